"""One lap from the wire to its answer: what is stored, what is answered, and what is refused and why."""

import asyncio
import gzip
import json
import random
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import zstandard
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from tests.daemon import CAR, TOPICS, DaemonProcess, LapClient
from tests.infra import Broker
from tests.server.support import (
    ENCODERS,
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

from racing_coach_core.channels import CHANNELS
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.identity import lap_id_for, payload_sha256
from racing_coach_core.lap import Lap

pytestmark = pytest.mark.usefixtures("shared_daemon")

MIB = 2**20


# --- what is accepted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ENCODERS)
async def test_a_lap_is_stored_once_in_whatever_encodings_it_comes(
    rig: LapClient, shared_stored: Stored, first: str
) -> None:
    """The first is `success`; the same lap again, in any encoding, is `duplicate` with the stored lap's id."""
    lap = new_lap()
    before = await shared_stored.counts()

    answers = [await rig.send(ENCODERS[name](lap)) for name in [first, *ENCODERS]]

    assert [answer.status for answer in answers] == ["success", *["duplicate"] * len(ENCODERS)]
    assert {answer.lap_id for answer in answers} == {lap.lap_id}
    after = await shared_stored.counts()
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, lap.frames.num_rows]


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_the_rows_are_the_columns_that_were_sent(rig: LapClient, shared_stored: Stored, encoding: str) -> None:
    """Floats are exact to the bit of float32, time and coordinates to that of float64, nulls are null."""
    lap = changed(new_lap(), "rpm", lambda rpm: pa.array([None, *rpm.to_pylist()[1:]], rpm.type))
    lap = changed(lap, "rr_tire_wear_left", lambda wear: pa.nulls(len(wear), wear.type))
    lap = changed(lap, "session_flags", lambda flags: pa.array([2**32 - 1] * len(flags)))
    lap = changed(lap, "gear", lambda gear: pa.array([-1, *gear.to_pylist()[1:]]))

    answer = await rig.send(ENCODERS[encoding](lap))

    assert answer.status == "success"
    columns = await shared_stored.columns(lap.lap_id)
    for name, column in zip(lap.frames.schema.names, lap.frames.columns, strict=True):
        sent = column.to_pylist()
        found = columns[name]
        if column.type == pa.float32():
            # The driver widens `real` to a Python float by its shortest form: back to 32 bits it is the same.
            sent, found = _as_float32(sent), _as_float32(found)
        assert found == sent, name
    assert columns["latitude"][5] == lap.frames.column("latitude")[5].as_py()


def _as_float32(values: list[float | None]) -> list[float | None]:
    return [None if value is None else float(np.float32(value)) for value in values]


async def test_session_and_lap_have_what_was_sent(rig: LapClient, shared_stored: Stored) -> None:
    """The columns of track_sessions and laps hold the session's and the lap's own fields, and the rig's name."""
    lap = new_lap()
    payload = as_json(lap)
    started = datetime.now(UTC)

    answer = await rig.send(payload)

    session = await shared_stored.session(lap.session.session_id)
    assert dict(session) | {"created_at": None} == {
        **lap.session.model_dump(exclude={"session_id"}),
        "id": lap.session.session_id,
        "rig_id": "rig-1",
        "created_at": None,
    }
    row = await shared_stored.lap(lap.lap_id)
    expected = {
        "track_session_id": lap.session.session_id,
        "rig_id": "rig-1",
        "lap_number": 1,
        "lap_time": lap.lap_time,
        "is_valid": True,
        "frame_count": lap.frames.num_rows,
        "payload_sha256": payload_sha256(payload),
        "encoding": "json",
    }
    assert {name: row[name] for name in expected} == expected
    assert started <= row["received_at"] <= row["created_at"] + timedelta(seconds=1)
    assert answer.response.received_at == row["received_at"]
    assert answer.response.stored_at == row["created_at"]


async def test_the_answer_says_what_the_contract_says(rig: LapClient) -> None:
    """The fields of LapUploadResponse, all of them, with the values of this lap."""
    lap = new_lap()
    payload = arrow(lap)

    answer = await rig.send(payload)

    assert answer.topic == TOPICS.lap_answers.build(rig="rig-1", car=CAR)
    assert answer.content_type == "application/json"
    assert set(answer.raw) == {
        "status",
        "message",
        "lap_id",
        "session_id",
        "lap_number",
        "frames",
        "payload_sha256",
        "errors",
        "received_at",
        "stored_at",
    }
    assert answer.raw["lap_id"] == str(lap.lap_id)
    assert answer.raw["session_id"] == str(lap.session.session_id)
    assert answer.raw["lap_number"] == 1
    assert answer.raw["frames"] == lap.frames.num_rows
    assert answer.raw["payload_sha256"] == payload_sha256(payload)
    assert answer.raw["errors"] == []


async def test_a_lap_without_an_id_gets_the_one_that_follows_from_session_and_number(rig: LapClient) -> None:
    """A JSON lap without lap_id is UUIDv5(session_id, lap_number), and the same lap with that id is a duplicate."""
    (lap,) = new_laps(1, lap_ids=False)

    without = await rig.send(spoilt(lap, lambda document: document.pop("lap_id")))
    with_one = await rig.send(as_json(lap))

    assert (without.status, with_one.status) == ("success", "duplicate")
    assert without.lap_id == with_one.lap_id == lap_id_for(lap.session.session_id, 1)


async def test_the_same_place_with_the_same_content_is_a_duplicate_whatever_its_id(rig: LapClient) -> None:
    """Same session, number and content under another lap_id: `duplicate` with the id of the lap that is stored."""
    lap = new_lap()

    first = await rig.send(spoilt(lap, lambda document: document.update(lap_id=str(uuid.uuid4()))))
    second = await rig.send(arrow(lap))

    assert second.status == "duplicate"
    assert second.lap_id == first.lap_id != lap.lap_id


async def test_unknown_fields_and_absent_channels_are_no_fault(rig: LapClient, shared_stored: Stored) -> None:
    """What an older or newer client sends more or less is ignored, or stored as NULL."""
    lap = new_lap()

    def spoil(document: dict[str, Any]) -> None:
        document["new"] = {"of": "tomorrow"}
        document["session"]["mood"] = "good"
        for frame in document["lap"]["frames"]:
            frame["hybrid"] = [1, 2]
            del frame["tire_temps"], frame["latitude"], frame["on_pit_road"]

    answer = await rig.send(spoilt(lap, spoil))

    assert answer.status == "success"
    columns = await shared_stored.columns(lap.lap_id)
    for name in ("lf_tire_temp_left", "latitude", "on_pit_road"):
        assert set(columns[name]) == {None}


async def test_a_broken_sensor_costs_its_own_values_only(rig: LapClient, shared_stored: Stored) -> None:
    """A number that is not finite becomes NULL in a channel that is not required."""
    lap = new_lap()
    broken = changed(lap, "rpm", lambda rpm: pa.array([float("nan"), float("inf"), *rpm.to_pylist()[2:]], rpm.type))

    assert (await rig.send(arrow(broken))).status == "success"

    rpm = (await shared_stored.columns(lap.lap_id))["rpm"]
    assert rpm[:2] == [None, None]
    assert None not in rpm[2:]


def _cut(lap: Lap, start: int, end: int) -> Lap:
    return Lap(lap.lap_id, lap.session, lap.lap_time, lap.frames.slice(start, end))


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        pytest.param(lambda lap: lap, True, id="whole and on track"),
        pytest.param(
            lambda lap: changed(lap, "track_surface", lambda s: pa.nulls(len(s), s.type)), True, id="surface unknown"
        ),
        pytest.param(
            lambda lap: changed(lap, "track_surface", lambda s: pa.array([0, *s.to_pylist()[1:]])),
            False,
            id="off track in one frame",
        ),
        pytest.param(lambda lap: _cut(lap, 0, lap.frames.num_rows // 2), False, id="ends half way"),
        pytest.param(lambda lap: _cut(lap, lap.frames.num_rows // 2, lap.frames.num_rows), False, id="begins half way"),
    ],
)
async def test_a_lap_is_valid_when_whole_and_on_track(
    rig: LapClient, shared_stored: Stored, change: Callable[[Lap], Lap], *, valid: bool
) -> None:
    """is_valid: the frames cover the lap, and where the surface is known every frame is on track."""
    lap = change(new_lap())
    assert is_valid_lap(lap.frames) is valid

    assert (await rig.send(arrow(lap))).status == "success"

    assert (await shared_stored.lap(lap.lap_id))["is_valid"] is valid


@pytest.mark.parametrize("time", [None, 0, -1.0], ids=["null", "zero", "negative"])
async def test_an_unknown_lap_time_is_null(rig: LapClient, shared_stored: Stored, time: float | None) -> None:
    """null, 0 and negative lap times mean unknown, as in iRacing."""
    lap = new_lap()

    answer = await rig.send(spoilt(lap, lambda document: document["lap"].update(lap_time=time)))

    assert answer.status == "success"
    assert (await shared_stored.lap(lap.lap_id))["lap_time"] is None


# --- MQTT ----------------------------------------------------------------------------------------------------


async def test_an_mqtt_3_1_1_client_is_served_alike(broker: Broker, shared_stored: Stored) -> None:
    """The four encodings over MQTT 3.1.1, plain paho: `success`, then `duplicate`, on the rig's own topic."""
    if broker.kind == "embedded":
        pytest.skip("rumqttd listens for MQTT 5 only, as the demo has it")
    lap = new_lap()
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    subscribed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        loop.call_soon_threadsafe(answers.put_nowait, json.loads(message.payload))

    client = Client(CallbackAPIVersion.VERSION2, f"rig-2-{uuid.uuid4().hex}", protocol=MQTTv311)
    client.on_message = heard
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(subscribed.set)
    if credentials := broker.credentials("rig-2"):
        client.username_pw_set(credentials.username, credentials.password)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        client.subscribe(TOPICS.lap_answers.build(rig="rig-2", car=CAR), qos=1)
        await asyncio.wait_for(subscribed.wait(), 10)
        statuses = []
        for encode in ENCODERS.values():
            client.publish(TOPICS.laps.build(rig="rig-2", car=CAR), encode(lap), qos=1)
            answer = await asyncio.wait_for(answers.get(), 20)
            assert answer["lap_id"] == str(lap.lap_id)
            statuses.append(answer["status"])
    finally:
        client.disconnect()
        client.loop_stop()

    assert statuses == ["success", "duplicate", "duplicate", "duplicate"]
    assert (await shared_stored.session(lap.session.session_id))["rig_id"] == "rig-2"


async def test_correlation_data_is_echoed_and_a_response_topic_of_the_rig_is_used(rig: LapClient) -> None:
    """Below acks/{rig}/ of the same rig the answer goes where it is asked for."""
    wanted = f"{TOPICS.answers_below('rig-1')}somewhere/else"

    for payload in (arrow(new_lap()), b"no lap"):
        answer = await rig.send(payload, response_topic=wanted, correlation_data=b"\x00\xff lap 7")

        assert answer.topic == wanted
        assert answer.correlation_data == b"\x00\xff lap 7"


@pytest.mark.parametrize(
    "wanted",
    [
        TOPICS.lap_answers.build(rig="rig-2", car=CAR),
        TOPICS.heartbeat.build(instance="forged"),
        TOPICS.laps.build(rig="rig-1", car=CAR),
        "racing-coach/v1/acks/rig-1",
        "racing-coach/v1/acks/rig-10/cars/x/laps",
        # mosquitto passes these on, and hangs up on whoever publishes there.
        pytest.param(TOPICS.answers_below("rig-1") + "a/" * 300, id="300 levels"),
        pytest.param(TOPICS.answers_below("rig-1") + "a" * 60_000, id="60,000 characters"),
        pytest.param(TOPICS.answers_below("rig-1") + "\ufeff", id="a character that paho refuses"),
    ],
)
async def test_a_response_topic_elsewhere_is_not_honoured(rig: LapClient, broker: Broker, wanted: str) -> None:
    """A rig cannot have the daemon publish where the rig itself may not: it is answered in its own place."""
    async with LapClient(broker, "rig-2") as other:
        payload = arrow(new_lap())
        answer = await rig.send(payload, response_topic=wanted, correlation_data=b"x")

        assert answer.topic == TOPICS.lap_answers.build(rig="rig-1", car=CAR)
        assert answer.correlation_data == b"x"
        assert not other.has_answer(payload_sha256(payload))


@pytest.mark.parametrize("letters", [1_900, 3_000, 60_000])
async def test_a_long_topic_stops_nobody(rig: LapClient, broker: Broker, shared_stored: Stored, letters: int) -> None:
    """A car of thousands of letters, which no index holds and no compression shortens: kept, and the next lap is stored."""
    car = "".join(random.Random(letters).choices(string.ascii_letters, k=letters))
    topic = f"racing-coach/v1/rigs/rig-1/cars/{car}/laps"
    payload = uuid.uuid4().bytes

    answer = await rig.send(payload, topic=topic)
    async with LapClient(broker, "rig-2") as other:
        good = await other.send(arrow(new_lap()))

    assert (answer.status, good.status) == ("rejected", "success")
    (row,) = await shared_stored.rejected(payload_sha256(payload))
    assert row["topic"].startswith(topic[:200])


async def test_odd_properties_stop_nobody(rig: LapClient) -> None:
    """A content type with U+FEFF is refused by its name, properties by the thousand are none of our business."""
    odd = await rig.send(arrow(new_lap()), content_type="x\ufeff")
    many = await rig.send(arrow(new_lap()), user_properties=[("", "")] * 5_000)
    plain = await rig.send(arrow(new_lap()))

    assert (odd.status, many.status, plain.status) == ("rejected", "success", "success")
    assert r"the content type says 'x\ufeff'" in odd.message


async def test_no_properties_no_echo(rig: LapClient) -> None:
    """Without correlation data there is none in the answer."""
    assert (await rig.send(arrow(new_lap()))).correlation_data is None


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/octet-stream", None])
async def test_a_content_type_that_fits_is_accepted(rig: LapClient, content_type: str | None) -> None:
    """The content type may be there, with parameters, say nothing, or be missing."""
    assert (await rig.send(as_json(new_lap()), content_type=content_type)).status == "success"


# --- what is refused -----------------------------------------------------------------------------------------


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


# --- limits --------------------------------------------------------------------------------------------------


async def test_over_the_limit_on_the_wire(rig: LapClient) -> None:
    """A payload over 16 MiB is rejected by its size."""
    limit = PayloadLimits().wire_bytes

    answer = await rig.send(bytes(limit + 1))

    assert answer.status == "rejected"
    assert f"too large: the payload in bytes may be at most {limit:,}, found {limit + 1:,}" in answer.message


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
async def test_over_the_limit_decoded(rig: LapClient, compress: Callable[[bytes], bytes]) -> None:
    """A payload that decodes to over 128 MiB is rejected by that."""
    limit = PayloadLimits().decoded_bytes

    answer = await rig.send(compress(b'{"a":"' + bytes(limit)))

    assert answer.status == "rejected"
    assert f"the decoded payload in bytes may be at most {limit:,}" in answer.message


@pytest.mark.parametrize("encoding", ["arrow", "zstd"])
async def test_over_the_limit_in_frames(rig: LapClient, encoding: str) -> None:
    """A lap of over 120,000 frames is rejected by their number."""
    limit = PayloadLimits().frames
    lap = new_lap()
    if encoding == "arrow":
        times = -(-(limit + 1) // lap.frames.num_rows)
        frames = pa.Table.from_batches([lap.frames] * times).slice(0, limit + 1).combine_chunks()
        payload = arrow(Lap(lap.lap_id, lap.session, lap.lap_time, frames.to_batches()[0]))
    else:
        document = json.loads(as_json(lap))
        frame = json.dumps(document["lap"]["frames"][0])
        document["lap"]["frames"] = ["@"]
        text = json.dumps(document).replace('"@"', ",".join([frame] * (limit + 1)))
        # Fewer bytes than the other limit: only what is required.
        required = {c.name: json.loads(frame)[c.name] for c in CHANNELS if c.required}
        small = json.dumps(required)
        payload = zstandard.compress(text.replace(frame, small).encode())

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert f"too large: the number of frames may be at most {limit:,}, found {limit + 1:,}" in answer.message


def _bomb(size: int) -> bytes:
    """zstd that decodes to `size` zeros and does not say so beforehand."""
    compressor = zstandard.ZstdCompressor(level=3, write_content_size=False).compressobj()
    zeros = bytes(16 * MIB)
    pieces = [compressor.compress(zeros) for _ in range(size // len(zeros))]
    return b"".join(pieces) + compressor.flush()


async def test_a_decompression_bomb_gets_no_memory(rig: LapClient, shared_daemon: DaemonProcess) -> None:
    """1 MB of zstd that is 10 GB: rejected, and the daemon's memory never grows by more than the decoded limit."""
    payload = await asyncio.to_thread(_bomb, 10 * 1024 * MIB)
    assert len(payload) < 2 * MIB
    before = shared_daemon.rss_bytes
    peak = before
    sha256 = await rig.publish(payload)
    while not rig.has_answer(sha256):
        peak = max(peak, psutil.Process(shared_daemon.pid).memory_info().rss)
        await asyncio.sleep(0.005)

    answer = await rig.answer(sha256)

    assert answer.status == "rejected"
    assert "too large" in answer.message
    assert peak - before < 1.5 * PayloadLimits().decoded_bytes


async def test_an_arrow_bomb_gets_no_memory(rig: LapClient, shared_daemon: DaemonProcess) -> None:
    """An Arrow buffer that claims to decode to a terabyte is refused by its claim."""
    lap = new_lap()
    payload = bytearray(arrow(lap))
    # Each compressed buffer begins with its decoded length; the last one's is that of a column of frames.
    length = lap.frames.num_rows * 4
    at = payload.rindex(length.to_bytes(8, "little"))
    payload[at : at + 8] = (2**40).to_bytes(8, "little")
    before = shared_daemon.rss_bytes

    answer = await rig.send(bytes(payload))

    assert answer.status == "rejected"
    assert "too large: the decoded payload in bytes" in answer.message
    assert shared_daemon.rss_bytes - before < 64 * MIB


async def test_the_largest_lap_that_is_allowed_is_stored(rig: LapClient, shared_stored: Stored) -> None:
    """120,000 frames, over half an hour, are stored in one transaction."""
    limit = PayloadLimits().frames
    lap = new_lap()
    times = -(-limit // lap.frames.num_rows)
    frames = pa.Table.from_batches([lap.frames] * times).slice(0, limit).combine_chunks().to_batches()[0]
    seconds = pa.array(np.arange(limit) / 60)
    frames = frames.set_column(1, frames.schema.field(1), seconds)
    only = [name for name in frames.schema.names if not name.endswith(("left", "middle", "right"))]
    nulls = {name: pa.nulls(limit, frames.schema.field(name).type) for name in frames.schema.names if name not in only}
    for name, column in nulls.items():
        frames = frames.set_column(frames.schema.get_field_index(name), frames.schema.field(name), column)
    long = Lap(lap.lap_id, lap.session, lap.lap_time, frames)

    answer = await rig.send(arrow(long), timeout_s=60)

    assert answer.status == "success", answer.message
    assert await shared_stored.value("select count(*) from telemetry where lap_id = $1", lap.lap_id) == limit


async def test_session_time_may_stand_still(rig: LapClient) -> None:
    """Only backwards is wrong: a paused simulator repeats its clock."""
    lap = changed(new_lap(), "session_time", lambda times: pc.floor(times))

    assert (await rig.send(arrow(lap))).status == "success"
