"""Waiting before the next try: longer each time, never too long, and never all at once."""

import pytest

from racing_coach_core.backoff import CAP_S, FIRST_S, Backoff


def test_each_wait_is_drawn_from_a_step_twice_as_long() -> None:
    """Between half the step and the step, which doubles up to the cap."""
    backoff = Backoff(first_s=1, cap_s=10)
    for step in (1, 2, 4, 8, 10, 10, 10):
        assert step / 2 <= backoff.next_s() <= step


def test_what_worked_starts_it_over() -> None:
    """After a reset the first step is the first one again."""
    backoff = Backoff(first_s=1, cap_s=100)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1


def test_it_never_grows_beyond_its_cap() -> None:
    """Not after years either."""
    backoff = Backoff()
    for _ in range(10_000):
        last = backoff.next_s()
    assert CAP_S / 2 <= last <= CAP_S


def test_two_clients_do_not_come_back_together() -> None:
    """The jitter spreads them over half of the step."""
    waits = [Backoff(first_s=1).next_s() for _ in range(200)]
    assert max(waits) - min(waits) > 0.3
    assert pytest.approx(0.75, abs=0.1) == sum(waits) / len(waits)
    assert FIRST_S < 1
