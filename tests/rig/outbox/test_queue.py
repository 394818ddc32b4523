"""Which lap is sent next."""

import uuid
from types import SimpleNamespace

from tests.rig.outbox.laps import DAY_S, answer, due, spool

from racing_coach_rig.outbox.outbox import Outbox


def test_laps_are_sent_in_the_order_in_which_they_were_driven(outbox: Outbox) -> None:
    """First in, first out, as many as asked for, without those that are on their way."""
    entries = [spool(outbox, number) for number in (1, 2, 3, 4)]
    assert due(outbox) == [1, 2, 3, 4]
    assert due(outbox, limit=2) == [1, 2]
    assert due(outbox, limit=2, besides=frozenset({entries[0].seq, entries[2].seq})) == [2, 4]


def test_the_newest_session_goes_first_when_much_waits(outbox: Outbox) -> None:
    """After an outage the driver who is on the track now does not wait for yesterday's laps."""
    old, older = uuid.uuid4(), uuid.uuid4()
    for session, numbers in ((older, (1, 2)), (old, (11, 12)), (older, (3,)), (uuid.uuid4(), (21, 22))):
        for number in numbers:
            spool(outbox, number, session_id=session)
    assert due(outbox, long_backlog=8) == [1, 2, 11, 12, 3, 21, 22]
    assert due(outbox, long_backlog=7) == [21, 22, 1, 2, 3, 11, 12]
    assert due(outbox, long_backlog=7, limit=3) == [21, 22, 1]


def test_a_sent_lap_is_due_again_later(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Without an answer it waits for its time, and the others go on."""
    entry = spool(outbox, 1)
    spool(outbox, 2)
    outbox.sent(entry.seq, again_at=clock.value + 30, trouble=None)
    assert due(outbox) == [2]
    clock.value += 31
    assert due(outbox) == [2, 1]


def test_laps_that_were_tried_go_behind_those_that_were_not(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Four that are never answered would hold up all others for ever, also those of the newest session."""
    session = uuid.uuid4()
    for number in (1, 2, 3, 4):
        entry = spool(outbox, number, session_id=session)
        for _ in range(number):
            outbox.sent(entry.seq, again_at=clock.value - 1, trouble=None)
    spool(outbox, 5)
    assert due(outbox) == [5, 1, 2, 3, 4]
    spool(outbox, 6, session_id=session)
    assert due(outbox, long_backlog=1) == [6, 5, 1, 2, 3, 4]


def test_a_wrong_clock_puts_no_lap_off_for_longer_than_there_is(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Sent while the clock was a year ahead, or set back a year since: due at once, and not in a year."""
    entry = spool(outbox)
    outbox.sent(entry.seq, again_at=clock.value + 300, trouble=None)
    assert due(outbox, horizon_s=600) == []

    clock.value -= 365 * DAY_S

    assert due(outbox, horizon_s=600) == [1]


def test_a_broker_that_forgot_us_makes_all_due_now(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Whatever was sent and not answered is sent again at once, rejected and stored laps are not."""
    entries = [spool(outbox, number) for number in (1, 2, 3, 4)]
    for entry in entries:
        outbox.sent(entry.seq, again_at=clock.value + 600, trouble=None)
    outbox.answered(answer(entries[1]))
    outbox.answered(answer(entries[2], "rejected"))
    assert due(outbox) == []
    outbox.all_due_now()
    assert due(outbox) == [1, 4]
