"""Frames into PostgreSQL by binary COPY: every channel, every value, every null, in order."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import text
from tests.server.support import Stored, new_lap
from tests.server.telemetry.channel_values import same, values
from tests.server.telemetry.storing import received, store_frames

from racing_coach_core.channels import CHANNELS, LAP_SCHEMA
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.binary_copy import _BLOCKS, _PIECE, COPY_COLUMNS, binary_copy
from racing_coach_server.telemetry.copy_format import HEADER, TRAILER
from racing_coach_server.telemetry.models import BLOCK_FRAMES
from racing_coach_server.telemetry.service import TelemetryService

AT_ONCE = _BLOCKS * BLOCK_FRAMES


async def copied(database: Database, stored: Stored, frames: pa.RecordBatch) -> dict[str, list[Any]]:
    return await stored.columns(await store_frames(database, frames))


@pytest.mark.parametrize("seed", range(3))
async def test_any_frame_comes_out_as_it_went_in(database: Database, stored: Stored, seed: int) -> None:
    """Extremes, nulls, denormals, minus zero, random bits: float32 to the bit, float64 to the bit."""
    chance = np.random.default_rng(seed)
    columns = [values(channel, 500, chance) for channel in CHANNELS]
    frames = pa.RecordBatch.from_arrays(columns, schema=LAP_SCHEMA)

    found = await copied(database, stored, frames)

    for name in LAP_SCHEMA.names:
        assert same(found[name], frames.column(name)), name


@pytest.mark.parametrize("seed", range(3))
async def test_columns_without_a_value_and_with_few(database: Database, stored: Stored, seed: int) -> None:
    """Some channels wholly null, some null in frames of a later piece only, some in none."""
    chance = np.random.default_rng(seed)
    rows = AT_ONCE + BLOCK_FRAMES + 10
    columns = []
    for channel in CHANNELS:
        column = values(channel, rows, chance)
        nulls = {0: np.ones(rows, bool), 1: np.arange(rows) == rows - 2, 2: np.zeros(rows, bool)}[
            int(chance.integers(3))
        ]
        if not channel.required:
            filled = column.fill_null(column.drop_null()[0])
            column = pc.if_else(pa.array(nulls), pa.scalar(None, channel.type), filled)
        columns.append(column)
    frames = pa.RecordBatch.from_arrays(columns, schema=LAP_SCHEMA)

    found = await copied(database, stored, frames)

    for name in LAP_SCHEMA.names:
        assert same(found[name], frames.column(name)), name


@pytest.mark.parametrize(
    "rows", [1, BLOCK_FRAMES - 1, BLOCK_FRAMES, BLOCK_FRAMES + 1, AT_ONCE, AT_ONCE + 2 * BLOCK_FRAMES + 7]
)
async def test_frames_keep_their_order_across_pieces(database: Database, stored: Stored, rows: int) -> None:
    """frame_index counts from 0 in driving order, whatever the lap's length is against the piece's."""
    lap = new_lap()
    table = pa.Table.from_batches([lap.frames] * (rows // lap.frames.num_rows + 1)).slice(0, rows).combine_chunks()
    frames = table.to_batches()[0].set_column(1, LAP_SCHEMA.field(1), pa.array(np.arange(rows, dtype=np.float64)))

    lap_id = await store_frames(database, frames)

    found = await stored.query("select frame_index, session_time, track_session_id from telemetry order by frame_index")
    assert [(row[0], row[1]) for row in found] == [(index, float(index)) for index in range(rows)]
    assert {row[2] for row in found} == {(await stored.lap(lap_id))["track_session_id"]}


async def test_the_copy_is_in_the_sessions_transaction(database: Database, stored: Stored) -> None:
    """Rolled back with it, and seen by it before."""
    lap = new_lap()
    with pytest.raises(RuntimeError, match="changed our mind"):  # noqa: PT012 (the block is the transaction)
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received(lap))
            seen = (await session.execute(text("select count(*) from telemetry"))).scalar_one()
            raise RuntimeError("changed our mind")

    assert seen == lap.frames.num_rows
    assert await stored.value("select count(*) from telemetry") == 0


def test_the_bytes_are_a_postgresql_binary_copy() -> None:
    """Signature, then every tuple with the number of columns, then the trailer (PostgreSQL documentation, COPY)."""
    lap = new_lap()
    pieces = list(binary_copy(lap.frames, lap_id=lap.lap_id))
    data = b"".join(pieces)

    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    assert data[19:21] == len(COPY_COLUMNS).to_bytes(2, "big")
    assert data.endswith(b"\xff\xff")
    assert max(map(len, pieces)) <= _PIECE + len(HEADER) + len(TRAILER)
