"""What became of every message: the numbers add up at every moment."""

import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from racing_coach_server.messaging.accounts import Accounts
from racing_coach_server.messaging.messages import Outcome


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*Outcome, "given back"])), max_size=60))
def test_received_is_the_sum_of_the_rest(steps: list[tuple[int, Outcome | str]]) -> None:
    """received == stored + duplicate + rejected + in_flight, after every single step."""
    accounts = Accounts()
    in_hand: set[int] = set()
    for key, end in steps:
        if key not in in_hand:
            accounts.took(key)
            in_hand.add(key)
        elif isinstance(end, Outcome):
            accounts.finished(key, end, rows=10)
            in_hand.remove(key)
        else:
            accounts.abandoned(key)
            in_hand.remove(key)

        now = accounts.counts()
        assert now.received == now.stored + now.duplicate + now.rejected + now.in_flight
        assert now.in_flight == len(in_hand)
        assert accounts.counts().rows_stored == 10 * now.stored


def test_what_is_given_back_was_not_received() -> None:
    """The broker sends it again, and then it counts."""
    accounts = Accounts()
    accounts.took(1)
    accounts.abandoned(1)

    assert accounts.counts().received == 0


def test_giving_back_what_is_finished_changes_nothing() -> None:
    """The dispatcher does so after every message, whatever became of it."""
    accounts = Accounts()
    accounts.took(1)
    accounts.finished(1, Outcome.DUPLICATE, rows=10)
    accounts.abandoned(1)

    assert accounts.counts().duplicate == 1
    assert accounts.counts().rows_stored == 0


def test_the_oldest_in_flight_is_the_one_that_waits_longest() -> None:
    """A lap that hangs shows, however many come after it."""
    accounts = Accounts()
    assert accounts.counts().oldest_in_flight_s is None

    accounts.took("first")
    time.sleep(0.05)
    accounts.took("second")

    oldest = accounts.counts().oldest_in_flight_s
    assert oldest is not None
    assert 0.05 <= oldest < 5


def test_the_last_stored_is_the_last_new_one() -> None:
    """Duplicates and rejections do not count as stored."""
    accounts = Accounts()
    for outcome in (Outcome.DUPLICATE, Outcome.REJECTED):
        accounts.took(1)
        accounts.finished(1, outcome, rows=0)
    assert accounts.counts().last_stored_at is None

    accounts.took(1)
    accounts.finished(1, Outcome.STORED, rows=1)

    last = accounts.counts().last_stored_at
    assert last is not None
    assert abs((datetime.now(UTC) - last).total_seconds()) < 5
