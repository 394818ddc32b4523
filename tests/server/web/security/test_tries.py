"""How often a password may be guessed."""

from racing_coach_server.web.security.tries import Tries


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(tries: Tries, address: str) -> bool:
    """Try a wrong password. Returns whether one might."""
    if tries.wait_s(address) > 0:
        return False
    tries.failed(address)
    return True


def test_one_address_has_five_tries_and_then_one_in_twelve_seconds() -> None:
    """The wait that is told is the wait it takes."""
    clock = Clock()
    tries = Tries(clock)

    assert [wrong(tries, "192.0.2.1") for _ in range(6)] == [True] * 5 + [False]
    assert tries.wait_s("192.0.2.1") == 12.0
    clock.now += 11.9
    assert not wrong(tries, "192.0.2.1")
    clock.now += 0.2
    assert [wrong(tries, "192.0.2.1") for _ in range(2)] == [True, False]
    assert tries.wait_s("192.0.2.2") == 0.0


def test_all_together_have_sixty_tries_and_then_one_a_second() -> None:
    """Many addresses guess no faster; who has signed in from one before is not held up."""
    clock = Clock()
    tries = Tries(clock)
    tries.succeeded("198.51.100.7")

    guessed = sum(wrong(tries, f"192.0.2.{number}") for number in range(1, 201))

    assert guessed == 60
    assert tries.wait_s("192.0.2.250") > 0
    assert tries.wait_s("198.51.100.7") == 0.0
    clock.now += 10
    assert sum(wrong(tries, f"203.0.113.{number}") for number in range(1, 201)) == 10


def test_a_network_of_ipv6_is_one_address() -> None:
    """Who has 2^64 addresses has five tries all the same."""
    tries = Tries(Clock())

    assert sum(wrong(tries, f"2001:db8::{number:x}") for number in range(1, 50)) == 5


def test_what_is_remembered_is_bounded() -> None:
    """Of addresses that failed, and of those that are known."""
    clock = Clock()
    tries = Tries(clock)

    for number in range(10_000):
        clock.now += 2
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        wrong(tries, address)
        tries.succeeded(address)

    assert len(tries._ones) <= 4096
    assert len(tries._known) <= 4096
