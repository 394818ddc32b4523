"""An answer settles the lap with the very bytes that it names, once."""

import uuid
from types import SimpleNamespace

import pytest
from tests.laps import make_lap
from tests.rig.outbox.laps import answer, due, spool

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_rig.outbox.accounts import Accounts
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox


@pytest.mark.parametrize("status", ["success", "duplicate"])
def test_a_stored_lap_leaves_the_disk(outbox: Outbox, status: str) -> None:
    """After `success` or `duplicate` the payload is gone, and a receipt tells whoever looks."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry, status))
    assert outbox.payload(entry.seq) is None
    found = outbox.entry(entry.seq)
    assert found is not None
    assert (found.state, found.payload_bytes) == (State.STORED, 0)
    assert found.answer is not None
    assert found.answer.message == f"is {status}"
    assert due(outbox) == []
    assert (outbox.contents().waiting, outbox.contents().bytes) == (0, 0)


def test_a_rejected_lap_is_set_aside_with_the_reason(outbox: Outbox) -> None:
    """It keeps its payload, is not sent again by itself, and says why."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry, "rejected", errors=[{"loc": ["lap", 3], "msg": "is wrong"}]))
    (found,) = outbox.entries(State.REJECTED)
    assert found.answer is not None
    assert (found.answer.message, found.answer.errors[0].msg) == ("is rejected", "is wrong")
    assert found.payload_bytes == entry.payload_bytes
    assert due(outbox) == []


def test_rejected_laps_can_be_sent_again_or_dropped(outbox: Outbox) -> None:
    """Both are the driver's decision."""
    entries = [spool(outbox, number) for number in (1, 2)]
    for entry in entries:
        outbox.answered(answer(entry, "rejected"))
    assert outbox.retry_rejected() == 2
    assert due(outbox) == [1, 2]
    assert outbox.payload(entries[0].seq) is not None
    assert all(entry.trouble is entry.answer is None for entry in outbox.entries())
    outbox.answered(answer(entries[0], "rejected"))
    assert outbox.drop_rejected() == 1
    assert [entry.lap_number for entry in outbox.entries()] == [2]


def test_an_answer_counts_for_its_payload_alone(outbox: Outbox) -> None:
    """The same lap id is not enough: other bytes of that lap may not be what is stored."""
    lap = make_lap(number=1)
    arrow, as_json = outbox.spool(lap, Encoding.ARROW), outbox.spool(lap, Encoding.JSON)
    assert arrow.lap_id == as_json.lap_id
    assert not outbox.answered(answer(arrow, payload_sha256="0" * 64))
    assert outbox.contents().waiting == 2
    assert outbox.answered(answer(arrow))
    assert [entry.seq for entry in outbox.entries(State.WAITING)] == [as_json.seq]


def test_a_second_answer_changes_nothing(outbox: Outbox) -> None:
    """A redelivered answer, or a late one of another status, is not counted and does not undo the first."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry))
    assert not outbox.answered(answer(entry, "duplicate"))
    assert not outbox.answered(answer(entry, "rejected"))
    found = outbox.entry(entry.seq)
    assert found is not None
    assert found.state is State.STORED
    assert outbox.accounts() == Accounts(spooled=1, sent=0, stored=1, duplicate=0, rejected=0)


def test_a_rejected_lap_that_is_stored_after_all_leaves_the_disk(outbox: Outbox) -> None:
    """The daemon was mended and took the lap from what it had kept; it counts as stored, and no longer as rejected."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry, "rejected"))
    assert outbox.answered(answer(entry))
    found = outbox.entry(entry.seq)
    assert found is not None
    assert (found.state, found.payload_bytes) == (State.STORED, 0)
    assert outbox.accounts() == Accounts(spooled=1, sent=0, stored=1, duplicate=0, rejected=0)


def test_an_answer_for_nobody_is_ignored(outbox: Outbox) -> None:
    """An answer to what another program sent, long ago, is no error."""
    entry = spool(outbox)
    assert not outbox.answered(answer(entry, payload_sha256="f" * 64, lap_id=uuid.uuid4()))
    assert outbox.contents().waiting == 1


def test_an_answer_shows_that_somebody_is_there(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Laps that nobody took before are tried again; those that wait for an answer go on waiting."""
    unheard, unanswered, answered = (spool(outbox, number) for number in (1, 2, 3))
    outbox.sent(unheard.seq, again_at=clock.value + 600, trouble=None)
    outbox.note(unheard.seq, due_at=clock.value + 600, trouble="nobody is subscribed")
    outbox.sent(unanswered.seq, again_at=clock.value + 600, trouble=None)
    outbox.sent(answered.seq, again_at=clock.value + 600, trouble=None)
    outbox.answered(answer(answered))
    assert due(outbox) == [1]
