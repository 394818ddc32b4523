"""Laps on the rig's disk: kept until they are answered, and no longer than need be."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.laps import columns, large_lap, make_lap
from tests.rig.outbox.laps import DAY_S, MIB, answer, due, spool

from racing_coach_core.codecs.compression import Compression
from racing_coach_core.codecs.decode import decode_lap, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import frames_from_columns
from racing_coach_rig.exceptions import OutboxFullError
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.simulator import Simulator


@pytest.mark.parametrize("encoding", Encoding)
def test_a_spooled_lap_is_the_lap(outbox: Outbox, encoding: Encoding) -> None:
    """What is sent later is the payload that was made, and decodes to the lap."""
    lap = make_lap(number=7)
    entry = outbox.spool(lap, encoding)
    payload = outbox.payload(entry.seq)
    assert payload is not None
    assert decode_lap(payload).lap.frames.equals(lap.frames)
    assert (entry.payload_sha256, entry.payload_bytes) == (payload_sha256(payload), len(payload))
    assert (entry.lap_id, entry.session_id, entry.lap_number) == (lap.lap_id, lap.session.session_id, 7)
    content_type = {Encoding.ARROW: "application/vnd.apache.arrow.stream", Encoding.JSON: "application/zstd"}[encoding]
    assert (entry.car_id, entry.content_type, entry.state) == ("sim-gt3", content_type, State.WAITING)
    assert entry.title == "Road Atlanta, Sim GT3, lap 7"


def test_a_long_lap_as_json_fits_the_wire(outbox: Outbox) -> None:
    """A lap of the Nordschleife is some 50 MB of JSON; on the wire it may take 16 MiB."""
    lap = next(Simulator(seed=1, track="larchmoor").laps(1))
    long = frames_from_columns({"speed": np.resize(lap.frames["speed"], 16_000), **columns(16_000)}, 16_000)
    assert len(encode_lap(replace(lap, frames=long), Encoding.JSON)) > PayloadLimits().wire_bytes
    entry = outbox.spool(replace(lap, frames=long), Encoding.JSON)
    payload = outbox.payload(entry.seq)
    assert payload is not None
    decoded = decode_lap(payload, content_type=entry.content_type)
    assert (decoded.encoding, decoded.compression) == (Encoding.JSON, Compression.ZSTD)
    assert decoded.lap.frames.equals(long)


def test_the_same_lap_twice_waits_once(outbox: Outbox) -> None:
    """A file that is read again, or a recording that grew, adds no second copy."""
    first, second = spool(outbox, 1), spool(outbox, 1)
    assert first.seq == second.seq
    assert outbox.contents().waiting == 1
    assert outbox.accounts().spooled == 1


def test_what_was_answered_is_sent_again_only_if_asked(outbox: Outbox) -> None:
    """`publish` of a file sends it again, and gets an answer; a watched folder leaves it as it is."""
    entry = spool(outbox)
    outbox.answered(answer(entry))
    left = outbox.spool(make_lap(number=1), Encoding.ARROW, again=False)
    assert (left.seq, left.state) == (entry.seq, State.STORED)
    again = outbox.spool(make_lap(number=1), Encoding.ARROW)
    assert (again.state, again.sent, again.answer) == (State.WAITING, 0, None)
    assert outbox.payload(again.seq) is not None


def test_a_lap_that_can_never_be_sent_is_set_aside(outbox: Outbox) -> None:
    """It is shown with the reason among the rejected ones, and holds up nobody."""
    entry = spool(outbox)
    outbox.set_aside(entry.seq, "larger than the broker takes")
    (found,) = outbox.entries(State.REJECTED)
    assert (found.trouble, found.answer) == ("larger than the broker takes", None)
    assert due(outbox) == []
    assert outbox.accounts().rejected == 1
    assert outbox.retry_rejected() == 1
    (found,) = outbox.entries(State.WAITING)
    assert found.trouble is None


def test_a_receipt_is_kept_for_a_day(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Then the outbox has forgotten the lap; what waits or was rejected it never forgets."""
    stored, rejected, _ = (spool(outbox, number) for number in (1, 2, 3))
    outbox.answered(answer(stored))
    outbox.answered(answer(rejected, "rejected"))
    clock.value += 0.99 * DAY_S
    assert outbox.tidy() == 0
    clock.value += 0.02 * DAY_S
    assert outbox.tidy() == 1
    assert outbox.entry(stored.seq) is None
    clock.value += 1000 * DAY_S
    assert outbox.tidy() == 0
    assert [entry.lap_number for entry in outbox.entries()] == [2, 3]


def test_stored_laps_can_be_kept_for_days(open_outbox: Callable[..., Outbox], clock: SimpleNamespace) -> None:
    """With `keep_days` the payload stays that long, and is on the disk's account."""
    outbox = open_outbox(keep_days=3)
    entry = spool(outbox)
    outbox.answered(answer(entry))
    assert outbox.contents().kept == 1
    assert outbox.contents().bytes == entry.payload_bytes
    clock.value += 2.9 * DAY_S
    assert outbox.tidy() == 0
    clock.value += 0.2 * DAY_S
    assert outbox.tidy() == 1
    assert outbox.contents().bytes == 0


def test_a_full_outbox_refuses_loudly_and_keeps_what_waits(open_outbox: Callable[..., Outbox]) -> None:
    """The new lap is the one that is refused, in words that say what to do; the ones that wait are untouched."""
    outbox = open_outbox(max_bytes=MIB)
    entries = [outbox.spool(large_lap(400_000, number=number), Encoding.ARROW) for number in (1, 2)]
    with pytest.raises(OutboxFullError, match=r"THIS LAP WAS NOT KEPT.*RACING_COACH_OUTBOX__MAX_BYTES") as raised:
        outbox.spool(large_lap(400_000, number=3), Encoding.ARROW)
    assert raised.value.limit == MIB
    assert raised.value.used == sum(entry.payload_bytes for entry in entries)
    assert due(outbox) == [1, 2]
    assert outbox.accounts().spooled == 2

    spool(outbox, 4)  # a small one still has room
    outbox.answered(answer(entries[0]))
    outbox.spool(large_lap(400_000, number=3), Encoding.ARROW)
    assert due(outbox) == [2, 4, 3]


def test_room_is_made_of_what_is_only_kept(open_outbox: Callable[..., Outbox], clock: SimpleNamespace) -> None:
    """Stored laps go first, the oldest before the others; a rejected one is never dropped for a new one."""
    outbox = open_outbox(max_bytes=MIB, keep_days=10)
    rejected, older, newer = (outbox.spool(large_lap(300_000, number=number), Encoding.ARROW) for number in (1, 2, 3))
    outbox.answered(answer(rejected, "rejected"))
    outbox.answered(answer(older))
    clock.value += 1
    outbox.answered(answer(newer))
    outbox.spool(large_lap(300_000, number=4), Encoding.ARROW)
    assert [entry.lap_number for entry in outbox.entries()] == [1, 3, 4]
    outbox.spool(large_lap(300_000, number=5), Encoding.ARROW)
    with pytest.raises(OutboxFullError):
        outbox.spool(large_lap(300_000, number=6), Encoding.ARROW)
    assert [entry.lap_number for entry in outbox.entries()] == [1, 4, 5]
