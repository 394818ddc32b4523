"""Frames out of the database with binary COPY, into columns."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.arrow_types import Column, null_column
from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_server.telemetry.copy_columns import column_of
from racing_coach_server.telemetry.frame_arrays import blocks, blocks_of, numbers


async def read_frames(session: AsyncSession, lap_id: UUID, names: Sequence[str]) -> pa.RecordBatch:
    """A lap's frames in driving order, bit for bit as they were stored; no rows for a lap that has no blocks.

    Args:
        session: the transaction to read in.
        lap_id: which lap.
        names: channels, which become the columns in this order.

    Raises:
        StoredLapUnreadableError: its blocks are not what a lap's blocks are.
    """
    stream = await blocks_of(session, lap_id, names)
    return await asyncio.to_thread(_batch, stream, pa.schema([LAP_SCHEMA.field(name) for name in names]))


def _batch(stream: memoryview, schema: pa.Schema) -> pa.RecordBatch:
    parts: list[list[Column]] = [[] for _ in schema]
    for block in blocks(stream, len(schema)):
        for field, array, part in zip(schema, block.arrays, parts, strict=True):
            part.append(_column(array, field, block.frames))
    if not all(parts):
        return pa.RecordBatch.from_pylist([], schema=schema)
    return pa.RecordBatch.from_arrays([pa.concat_arrays(part) for part in parts], schema=schema)


def _column(array: memoryview | None, field: "pa.Field[pa.DataType]", frames: int) -> Column:
    if array is None:
        return null_column(frames, field.type)
    return column_of(*numbers(array, field.name, frames), field.type)
