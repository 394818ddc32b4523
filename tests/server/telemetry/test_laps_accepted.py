"""Laps that the daemon takes: over a real broker into a real database, in every encoding."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.clients import TOPICS
from tests.lap_client import CAR, LapClient
from tests.server.support import (
    ENCODERS,
    Stored,
    arrow,
    as_json,
    changed,
    new_lap,
    new_laps,
    spoilt,
)

from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.identity import lap_id_for, payload_sha256
from racing_coach_core.lap import Lap

pytestmark = pytest.mark.usefixtures("shared_daemon")


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
