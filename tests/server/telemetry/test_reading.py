"""Stored laps read back: every channel to the bit, any choice of columns, and what is known of laps in one query."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.support import Stored, new_lap, new_laps
from tests.server.telemetry.channel_values import same, values
from tests.server.telemetry.storing import received, store_frames

from racing_coach_core.channels import CHANNELS, LAP_SCHEMA
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.copy_format import HEADER, TRAILER
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.read_frames import _batch
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.service import TelemetryService

NULLABLE = [channel.name for channel in CHANNELS if not channel.required]


def any_frames(seed: int, rows: int, nulls: dict[str, str]) -> pa.RecordBatch:
    """Extremes and random bits; nulls in all, some or no frames of each channel."""
    chance = np.random.default_rng(seed)
    columns = []
    for channel in CHANNELS:
        column = values(channel, rows, chance)
        match nulls.get(channel.name, "some"):
            case "all":
                column = pa.nulls(rows, channel.type)
            case "none" if column.null_count:
                column = column.fill_null(pc.drop_null(column)[0] if column.null_count < rows else _zero(channel.type))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=LAP_SCHEMA)


def _zero(kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(False, kind) if pa.types.is_boolean(kind) else pa.scalar(0, kind)


async def columns(database: Database, lap_id: uuid.UUID, names: Sequence[str] = LAP_SCHEMA.names) -> pa.RecordBatch:
    async with database.transaction() as session:
        return await StoredLaps(session).columns(lap_id, names)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 700),
    nulls=st.dictionaries(st.sampled_from(NULLABLE), st.sampled_from(["all", "some", "none"])),
    names=st.lists(st.sampled_from(LAP_SCHEMA.names), unique=True),
)
async def test_what_is_read_is_what_sql_says_to_the_bit(
    database: Database, stored: Stored, seed: int, rows: int, nulls: dict[str, str], names: list[str]
) -> None:
    """Any values, any nulls, any choice of channels in any order: the same as a query row by row, and as was written."""
    frames = any_frames(seed, rows, nulls)
    lap_id = await store_frames(database, frames)

    found = await columns(database, lap_id, names)

    assert found.schema.names == names
    assert found.schema.types == [LAP_SCHEMA.field(name).type for name in names]
    by_sql = await stored.columns(lap_id)
    for name in names:
        assert same(by_sql[name], found.column(name)), name
        assert same(by_sql[name], frames.column(name)), name
    assert (await columns(database, lap_id)).equals(frames)


async def test_not_a_number_is_no_null(database: Database) -> None:
    """A NaN that somebody stored comes back as one, beside a null."""
    frames = new_lap().frames.slice(0, 3)
    index = LAP_SCHEMA.get_field_index("rpm")
    frames = frames.set_column(index, LAP_SCHEMA.field(index), pa.array([1.0, float("nan"), None], pa.float32()))

    found = (await columns(database, await store_frames(database, frames), ["rpm"])).column("rpm")

    assert found.null_count == 1
    assert str(found.to_pylist()) == "[1.0, nan, None]"


async def test_an_unknown_lap_has_no_frames(database: Database) -> None:
    """The columns are there, without rows."""
    found = await columns(database, uuid.uuid4(), ["speed", "rpm"])

    assert (found.num_rows, found.schema.names) == (0, ["speed", "rpm"])


async def test_the_analysis_gets_numbers(database: Database) -> None:
    """float64, NaN for no value, a channel without any value left out; no timestamp unless it is asked for."""
    frames = any_frames(1, 50, {"rpm": "all", "gear": "some", "on_pit_road": "some"})
    lap_id = await store_frames(database, frames)

    async with database.transaction() as session:
        found = await StoredLaps(session).channels(lap_id)

    assert "timestamp" not in found
    assert "rpm" not in found
    assert {array.dtype for array in found.values()} == {np.dtype(np.float64)}
    assert {len(array) for array in found.values()} == {50}
    for name in ("gear", "on_pit_road", "speed"):
        expected = [np.nan if value is None else float(value) for value in frames.column(name).to_pylist()]
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stream: stream[:-1],
        lambda stream: stream[:-2] + b"\0" + stream[-2:],
        lambda stream: b"X" + stream[1:],
        lambda stream: stream[:-2] + b"\0\0",
        lambda stream: stream.replace((700).to_bytes(4), (701).to_bytes(4)),
        lambda stream: stream[:LAST_AT] + (3).to_bytes(4) + stream[LAST_AT + 4 :],
        lambda stream: stream.replace(SECOND_ELEMENT, SECOND_ELEMENT[:3] + b"\x05" + SECOND_ELEMENT[4:]),
        lambda stream: stream.replace((2).to_bytes(4) + (1).to_bytes(4), (3).to_bytes(4) + (1).to_bytes(4)),
        lambda stream: stream.replace((4).to_bytes(4) + (0).to_bytes(4), (4).to_bytes(4) + (480).to_bytes(4)),
    ],
    ids=[
        *("short", "long", "another signature", "no trailer", "another type", "another last length"),
        *("another length", "more elements than said", "a block missing"),
    ],
)
@pytest.mark.parametrize("last", [b"\xff\xff\xff\xff", b"\0\0\0\4\x40\0\0\0"], ids=["with a null", "without"])
def test_a_stream_that_is_not_what_a_lap_is_is_refused(spoil: Any, last: bytes) -> None:
    """No number is made of bytes that lie elsewhere than they should."""
    stream = one_block(last)
    schema = pa.schema([LAP_SCHEMA.field("speed")])
    assert _batch(memoryview(stream), schema).num_rows == 2
    spoilt = spoil(stream)
    assert spoilt != stream

    with pytest.raises(StoredLapUnreadableError):
        _batch(memoryview(spoilt), schema)


SECOND_ELEMENT = (4).to_bytes(4) + b"\x3f\x80\0\0"


LAST_AT = len(HEADER) + 2 + 3 * 4 + 2 * 4 + 20 + 8
"""Where the last element begins."""


def one_block(last: bytes) -> bytes:
    """A block of two frames: one speed, and another."""
    array = b"".join(number.to_bytes(4) for number in (1, int(last[0] == 0xFF), 700, 2, 1)) + SECOND_ELEMENT + last
    fields = [(0).to_bytes(4), (2).to_bytes(4), array]
    return HEADER + (3).to_bytes(2) + b"".join(len(field).to_bytes(4) + field for field in fields) + TRAILER


async def store(database: Database, lap: Lap, *, rig_id: str = "rig-1") -> None:
    async with database.transaction() as session:
        await TelemetryService(session).store_lap(received(lap, rig_id=rig_id))


async def test_a_lap_comes_back_whole(database: Database) -> None:
    """As it was before it was stored; None for one that is not."""
    lap = new_lap()
    await store(database, lap)

    async with database.transaction() as session:
        laps = StoredLaps(session)
        found = await laps.find(lap.lap_id)
        assert found is not None
        assert await laps.lap(found) == lap
        assert await laps.find(uuid.uuid4()) is None


async def test_followers_can_ask_what_they_missed(database: Database, stored: Stored) -> None:
    """The events of laps that a condition holds for, newest first, with what the database says of them."""
    first, second = new_laps(2)
    for lap in (first, second):
        await store(database, lap)

    async with database.transaction() as session:
        laps = StoredLaps(session)
        both = await laps.events(limit=10)
        (newest,) = await laps.events(limit=1)
        (older,) = await laps.events(LapRecord.id != second.lap_id, limit=10)

    assert [each.lap_id for each in both] == [second.lap_id, first.lap_id]
    assert (newest, older) == tuple(both)
    row = await stored.lap(second.lap_id)
    assert (newest.stored_at, newest.received_at) == (row["created_at"], row["received_at"])
    assert (newest.session_id, newest.car_id, newest.rig_id) == (
        second.session.session_id,
        second.session.car_id,
        "rig-1",
    )
    assert newest.key == str(second.lap_id)
