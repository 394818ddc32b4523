"""Laps that the daemon refuses: answered with the reason, kept, and nothing is stopped."""

import gzip
import json
import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from tests.clients import TOPICS
from tests.infra import Broker
from tests.lap_client import CAR, LapClient
from tests.server.support import (
    Spoil,
    Stored,
    arrow,
    as_json,
    changed,
    faster,
    new_lap,
    new_laps,
    spoilt,
    with_session,
)

from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap

pytestmark = pytest.mark.usefixtures("shared_daemon")


def _frame(index: int, **fields: object) -> Spoil:
    return lambda document: document["lap"]["frames"][index].update(fields)


def _without(index: int, field: str) -> Spoil:
    return lambda document: document["lap"]["frames"][index].pop(field)


def _of_session(**fields: object) -> Spoil:
    return lambda document: document["session"].update(fields)


def _no_session(document: dict[str, Any]) -> None:
    del document["session"]


def _no_lap(document: dict[str, Any]) -> None:
    del document["lap"]


def _number(channel: str, index: int, value: float) -> Callable[[Lap], bytes]:
    """The lap as Arrow, which can say NaN and infinity, with one value of a channel replaced."""

    def encode(lap: Lap) -> bytes:
        def put(column: pa.Array) -> pa.Array:
            values = column.to_pylist()
            values[index] = value
            return pa.array(values, column.type)

        return arrow(changed(lap, channel, put))

    return encode


def _json(spoil: Spoil) -> Callable[[Lap], bytes]:
    return lambda lap: spoilt(lap, spoil)


def _odd_column(lap: Lap) -> bytes:
    """An Arrow lap whose column type carries U+0000, which no error message in PostgreSQL may."""
    schema = pa.ipc.open_stream(arrow(lap)).schema
    index = schema.get_field_index("rpm")
    batch = lap.frames.select(schema.names)
    odd = pa.array([0] * batch.num_rows, pa.timestamp("us", tz="a\0b" + "c" * 10_000))
    batch = batch.set_column(index, "rpm", odd).replace_schema_metadata(schema.metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


BAD = {
    "not JSON": (lambda _: b'{"session": nope}', "not JSON"),
    "no lap at all": (lambda _: b"hello", "neither a JSON object nor an Arrow stream"),
    "empty": (lambda _: b"", "the payload is empty"),
    "not UTF-8": (lambda _: b'{"a": "\xff"}', "not JSON"),
    "gzip cut short": (lambda lap: gzip.compress(as_json(lap))[:-1000], "gzip: "),
    "gzip broken": (lambda lap: b"\x1f\x8b\x08" + as_json(lap), "gzip"),
    "zstd cut short": (lambda lap: zstandard.compress(as_json(lap))[:-1000], "zstd"),
    "Arrow cut short": (lambda lap: arrow(lap)[:-5000], "Arrow"),
    "Arrow without its end": (lambda lap: arrow(lap)[:3000], "Arrow"),
    "JSON cut short": (lambda lap: as_json(lap)[:-1000], "not JSON"),
    "no frames": (_json(lambda d: d["lap"].update(frames=[])), "lap.frames: must hold at least one frame"),
    "frames is null": (_json(lambda d: d["lap"].update(frames=None)), "lap.frames: is required"),
    "no session": (_json(_no_session), "session: is required"),
    "no lap": (_json(_no_lap), "lap: is required"),
    "a required channel missing": (_json(_without(7, "speed")), "lap.frames.7.speed: is required"),
    "a required session field missing": (
        _json(lambda d: d["session"].pop("car_name")),
        "session.car_name: is required",
    ),
    "text for a number": (_json(_frame(3, throttle="full")), "lap.frames.3.throttle"),
    "a number as text": (_json(_frame(3, throttle="0.5")), "lap.frames.3.throttle"),
    "an odd timestamp": (_json(_frame(2, timestamp="yesterday")), "lap.frames.2.timestamp"),
    "NaN in a required channel": (_number("speed", 9, float("nan")), "lap.frames.9.speed: must be a finite number"),
    "infinity in a required channel": (_number("brake", 4, float("inf")), "lap.frames.4.brake: must be a finite"),
    "NaN in JSON": (lambda lap: as_json(lap).replace(b'"speed":', b'"speed":NaN,"x":', 1), "not JSON"),
    "too large for 32 bits": (_json(_frame(1, speed=1e39)), "lap.frames.1.speed"),
    "an integer out of range": (_json(_frame(1, gear=40_000)), "lap.frames.1.gear"),
    "frames of two laps": (_json(_frame(20, lap_number=99)), "lap.frames.20.lap_number: all frames must be of one lap"),
    "session_time backwards": (_json(_frame(20, session_time=0.001)), "lap.frames.20.session_time: runs backwards"),
    "a clock gone mad": (_json(_frame(20, timestamp="2001-01-01T00:00:00Z")), "over a day from the first frame"),
    "another car than the topic's": (
        _json(_of_session(car_id="gt4")),
        f"the topic is of car '{CAR}', the payload of car 'gt4'",
    ),
    "no UUID": (_json(_of_session(session_id="seven")), "session.session_id"),
    "U+0000 in an id": (_json(_of_session(session_id="\0")), "session.session_id"),
    "U+0000 in a name": (_json(_of_session(track_name="a\0b")), "session.track_name"),
    "a lone surrogate": (lambda lap: as_json(lap).replace(b'"car_name":"', b'"car_name":"\\ud800'), "not JSON"),
    "an odd Arrow column": (_odd_column, "lap.frames.rpm: must be numbers"),
    "too deep": (lambda _: b'{"session":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_lap_is_answered_and_kept_and_stops_nothing(
    rig: LapClient, shared_stored: Stored, case: str
) -> None:
    """`rejected` with what is wrong and where; the payload in rejected_messages; the next good lap stored."""
    spoil, words = BAD[case]
    good, base = new_laps(2)
    payload = spoil(base)
    before = await shared_stored.counts()

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert words in answer.message
    assert answer.lap_id is None
    assert answer.response.frames == 0
    (row,) = await shared_stored.rejected(payload_sha256(payload))
    assert row["payload"] == payload
    assert row["topic"] == TOPICS.laps.build(rig="rig-1", car=CAR)
    assert row["reason"] == answer.message
    assert row["times_received"] == 1
    assert row["traceback"] is None
    assert json.loads(row["errors"]) == answer.raw["errors"]
    assert await shared_stored.counts() == before

    assert (await rig.send(arrow(good))).status == "success"


async def test_errors_name_field_and_frame(rig: LapClient) -> None:
    """`errors` says for each thing that is wrong where it is and what it should be."""

    def spoil(document: dict[str, Any]) -> None:
        document["lap"]["frames"][3]["speed"] = "fast"
        del document["lap"]["frames"][5]["brake"]

    answer = await rig.send(spoilt(new_lap(), spoil))

    assert [tuple(error["loc"]) for error in answer.raw["errors"]] == [
        ("lap", "frames", 3, "speed"),
        ("lap", "frames", 5, "brake"),
    ]
    assert "got 'fast'" in answer.raw["errors"][0]["msg"]


async def test_a_content_type_that_contradicts_is_rejected(rig: LapClient) -> None:
    """The MQTT content type, where set, must agree with the bytes."""
    answer = await rig.send(arrow(new_lap()), content_type="application/json")

    assert answer.status == "rejected"
    assert "the content type says 'application/json', the payload is arrow" in answer.message


async def test_the_same_bad_payload_twice_is_one_row(rig: LapClient, shared_stored: Stored) -> None:
    """rejected_messages counts what comes again, and keeps when it came first and last."""
    payload = f"not a lap {uuid.uuid4()}".encode()

    first = await rig.send(payload)
    second = await rig.send(payload)

    assert first.status == second.status == "rejected"
    (row,) = await shared_stored.rejected(payload_sha256(payload))
    assert row["times_received"] == 2
    assert row["received_at"] == first.response.received_at
    assert row["last_received_at"] == second.response.received_at


@pytest.mark.parametrize(
    "segment", ["{rig}/cars/two words", "{rig}/cars/" + "x" * 65, "{rig}/cars/", "{rig}/cars/über"]
)
async def test_a_topic_segment_outside_the_contract_is_rejected(rig: LapClient, segment: str) -> None:
    """A car that is not [A-Za-z0-9_.-]{1,64} is answered, on the topic that mirrors the one it came on."""
    segments = segment.format(rig="rig-1")
    topic = f"racing-coach/v1/rigs/{segments}/laps"

    answer = await rig.send(arrow(new_lap()), topic=topic)

    assert answer.status == "rejected"
    assert "must be 1 to 64 letters, digits, '_', '.' or '-'" in answer.message
    assert answer.topic == f"racing-coach/v1/acks/{segments}/laps"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"track_id": "elsewhere"}, "track_id"),
        ({"track_config_name": "reverse"}, "track_config_name"),
    ],
)
async def test_a_known_session_on_another_track_is_rejected(
    rig: LapClient, shared_stored: Stored, fields: dict[str, str], named: str
) -> None:
    """A session_id that is stored with another track: rejected, naming both; the stored session unchanged."""
    first, second = new_laps(2)
    assert (await rig.send(arrow(first))).status == "success"

    answer = await rig.send(arrow(with_session(second, **fields)))

    assert answer.status == "rejected"
    assert f"is stored with {named}" in answer.message
    assert repr(fields[named]) in answer.message
    assert (await shared_stored.session(first.session.session_id))[named] == getattr(first.session, named)
    assert (await rig.send(arrow(second))).status == "success"


async def test_a_known_session_in_another_car_is_rejected(rig: LapClient) -> None:
    """A session_id that is stored with another car: rejected."""
    first, second = new_laps(2)
    assert (await rig.send(arrow(first))).status == "success"

    answer = await rig.send(arrow(with_session(second, car_id="gt4")), car="gt4")

    assert answer.status == "rejected"
    assert f"is stored with car_id '{CAR}', this lap says 'gt4'" in answer.message


async def test_a_known_session_of_another_rig_is_rejected(rig: LapClient, broker: Broker) -> None:
    """A rig cannot add laps to another rig's session."""
    first, second = new_laps(2)
    assert (await rig.send(arrow(first))).status == "success"

    async with LapClient(broker, "rig-2") as other:
        answer = await other.send(arrow(second))

    assert answer.status == "rejected"
    assert "is stored with rig_id 'rig-1', this lap says 'rig-2'" in answer.message


@pytest.mark.parametrize("same_id", [True, False])
async def test_the_same_place_with_other_content_is_rejected(
    rig: LapClient, shared_stored: Stored, *, same_id: bool
) -> None:
    """Same session and lap number, other frames: rejected and kept; what is stored stays as it is."""
    lap = new_lap()
    other = faster(lap)
    if not same_id:
        other = Lap(uuid.uuid4(), other.session, other.lap_time, other.frames)
    assert (await rig.send(arrow(lap))).status == "success"
    payload = arrow(other)

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert f"is not what is stored as lap_id {lap.lap_id}" in answer.message
    assert (await shared_stored.rejected(payload_sha256(payload)))[0]["payload"] == payload
    speed = (await shared_stored.columns(lap.lap_id))["speed"]
    assert speed == pytest.approx(lap.frames.column("speed").to_pylist())


async def test_a_lap_id_of_another_session_is_rejected_whole(rig: LapClient, shared_stored: Stored) -> None:
    """A lap_id that is stored for another session: rejected, and the new session is not stored either."""
    lap, other = new_lap(), new_lap()
    assert (await rig.send(arrow(lap))).status == "success"

    answer = await rig.send(arrow(Lap(lap.lap_id, other.session, other.lap_time, other.frames)))

    assert answer.status == "rejected"
    assert await shared_stored.query("select from track_sessions where id = $1", other.session.session_id) == []


async def test_another_lap_time_is_other_content(rig: LapClient) -> None:
    """The lap's own fields are content, too."""
    lap = new_lap()
    assert (await rig.send(arrow(lap))).status == "success"

    answer = await rig.send(arrow(Lap(lap.lap_id, lap.session, (lap.lap_time or 0) + 1, lap.frames)))

    assert answer.status == "rejected"
