"""Frames of laps that were stored as rows, before there were blocks, out of `telemetry_rows`.

A row of a COPY stream has no fixed size where a value is null, so the query sees to it that none is: a channel is read
as its value, or zero, and whether it is null. So the rows all look alike, and the stream is an array of records.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy import Integer, Uuid, column, func, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_server.telemetry.copy_columns import column_of
from racing_coach_server.telemetry.copy_format import HEADER, TRAILER, WIRE_TYPES, length_of
from racing_coach_server.telemetry.copy_out import copy_out
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError

_COLUMNS: Final = ", ".join(
    f'coalesce("{name}", \'0\'), "{name}" is null' if LAP_SCHEMA.field(name).nullable else f'"{name}"'
    for name in LAP_SCHEMA.names
)
ROWS: Final = table("telemetry_rows", column("lap_id", Uuid), column("frame_index", Integer))
"""Gone once `racing-coach db convert` has made blocks of them: ask `are_rows_left` first."""
# A restore that ran twice has left frames twice, which are the same: one of each is the lap.
_QUERY: Final = f"""
    select distinct on (frame_index) {_COLUMNS} from telemetry_rows where lap_id = $1 order by frame_index
"""  # noqa: S608 (names of ours)


async def are_rows_left(session: AsyncSession) -> bool:
    """Whether there is a table of rows still."""
    return await session.scalar(text("select to_regclass('telemetry_rows')")) is not None


async def count_rows(session: AsyncSession, lap_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many frames laps have there; a lap without any is left out."""
    if not await are_rows_left(session):
        return {}
    counted = select(ROWS.c.lap_id, func.count(ROWS.c.frame_index.distinct())).where(ROWS.c.lap_id.in_(lap_ids))
    return {row[0]: row[1] for row in await session.execute(counted.group_by(ROWS.c.lap_id))}


async def read_rows(session: AsyncSession, lap_id: UUID) -> pa.RecordBatch:
    """A lap's frames in driving order, bit for bit as they were stored; no rows for a lap that has none there.

    Raises:
        StoredLapUnreadableError: what was read is not what was asked for.
    """
    return await asyncio.to_thread(_batch, await copy_out(session, _QUERY, lap_id))


def _layout() -> np.dtype[Any]:
    """One row as a record."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for field in LAP_SCHEMA:
        fields += [(length_of(field.name), ">i4"), (field.name, WIRE_TYPES[CHANNEL_BY_NAME[field.name].kind])]
        if field.nullable:
            fields += [(length_of(_is_null(field.name)), ">i4"), (_is_null(field.name), "u1")]
    return np.dtype(fields)


def _is_null(name: str) -> str:
    return f"{name} is null"


def _batch(stream: bytes | bytearray) -> pa.RecordBatch:
    layout = _layout()
    frames, rest = divmod(len(stream) - len(HEADER) - len(TRAILER), layout.itemsize)
    if rest or frames < 0:
        raise StoredLapUnreadableError(f"{len(stream):,} bytes are no number of whole rows")
    rows = np.frombuffer(stream, layout, count=frames, offset=len(HEADER))
    return pa.RecordBatch.from_arrays([_column(rows, name) for name in LAP_SCHEMA.names], schema=LAP_SCHEMA)


def _column(rows: np.ndarray, name: str) -> Column:
    field = LAP_SCHEMA.field(name)
    nulls = rows[_is_null(name)].astype(np.bool_) if field.nullable else None
    return column_of(rows[name], nulls, field.type)
