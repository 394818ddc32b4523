"""Frames out of the database with binary COPY, into columns, without a Python object for any value.

A row of the stream has no fixed size where a value is null, so the query sees to it that none is. A first one counts
the values of each channel: a channel without any is not read at all, one with a value in every frame is read as it is,
and one with some is read as two, the value or zero, and whether it is null. So the rows all look alike, and the stream
is an array of records. What is read is checked against that layout, to the last byte.
"""

import asyncio
import functools
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import numpy as np
import pyarrow as pa
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.arrow_types import Column, null_column
from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_server.telemetry.copy_format import HEADER, TRAILER, UNIX_TO_POSTGRESQL_US, WIRE_TYPES, length_of
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.models import telemetry

_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has left it so
_ZERO: Final[ColumnElement[Any]] = literal_column("'0'")
"""Of the type of the column beside it, false for a boolean."""
_OF_LAP: Final = telemetry.c.lap_id == bindparam("lap_id")


async def read_frames(session: AsyncSession, lap_id: UUID, names: Sequence[str]) -> pa.RecordBatch:
    """A lap's frames in driving order, bit for bit as they were stored; no rows for a lap that is not stored.

    Args:
        session: the transaction to read in.
        lap_id: which lap.
        names: channels, which become the columns in this order.

    Raises:
        StoredLapUnreadableError: the frames changed between two looks at them.
    """
    schema = pa.schema([LAP_SCHEMA.field(name) for name in names])
    nullable = tuple(name for name in names if not CHANNEL_BY_NAME[name].required)
    frames, *counts = (await session.execute(_count_of(nullable), {"lap_id": lap_id})).one()
    if not frames:
        return pa.RecordBatch.from_pylist([], schema=schema)
    values = dict(zip(nullable, counts, strict=True))
    read = tuple(name for name in names if values.get(name, frames))
    partly = frozenset(name for name, count in values.items() if 0 < count < frames)
    stream = await _copy(session, lap_id, read, partly) if read else b""
    return await asyncio.to_thread(_batch, stream, schema, frames, read, partly)


@functools.lru_cache(maxsize=64)
def _count_of(names: tuple[str, ...]) -> Any:
    """How many frames a lap has, and how many values each of these channels has."""
    return select(func.count(), *(func.count(telemetry.c[name]) for name in names)).where(_OF_LAP)


async def _copy(session: AsyncSession, lap_id: UUID, names: tuple[str, ...], partly: frozenset[str]) -> bytearray:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    stream = bytearray()

    async def take(piece: bytes) -> None:
        stream.extend(piece)

    await driver.copy_from_query(_query(names, partly), lap_id, output=take, format="binary")
    return stream


@functools.lru_cache(maxsize=64)
def _query(names: tuple[str, ...], partly: frozenset[str]) -> str:
    """The query, with the lap's id as its one parameter."""
    columns: list[ColumnElement[Any]] = []
    for name in names:
        column = telemetry.c[name]
        if name in partly:
            columns += [func.coalesce(column, _ZERO), column.is_(None)]
        else:
            columns.append(column)
    return str(select(*columns).where(_OF_LAP).order_by(telemetry.c.frame_index).compile(dialect=_DIALECT))


def _layout(names: tuple[str, ...], partly: frozenset[str]) -> np.dtype[Any]:
    """One row as a record."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name in names:
        fields += [(length_of(name), ">i4"), (name, WIRE_TYPES[LAP_SCHEMA.field(name).type])]
        if name in partly:
            fields += [(length_of(_is_null(name)), ">i4"), (_is_null(name), "u1")]
    return np.dtype(fields)


def _is_null(name: str) -> str:
    return f"{name} is null"


def _batch(
    stream: bytes | bytearray, schema: pa.Schema, frames: int, names: tuple[str, ...], partly: frozenset[str]
) -> pa.RecordBatch:
    columns = {field.name: null_column(frames, field.type) for field in schema}
    if names:
        rows = _rows(stream, _layout(names, partly), frames)
        columns |= {name: _column(rows, name, schema.field(name).type) for name in names}
    return pa.RecordBatch.from_arrays([*columns.values()], schema=schema)


def _rows(stream: bytes | bytearray, layout: np.dtype[Any], frames: int) -> np.ndarray:
    """The stream as records, each field of which has the length that the layout says."""
    if len(stream) != len(HEADER) + frames * layout.itemsize + len(TRAILER) or not stream.startswith(HEADER):
        raise StoredLapUnreadableError(len(stream), frames)
    rows = np.frombuffer(stream, layout, count=frames, offset=len(HEADER))
    assert layout.names is not None
    values = [name for name in layout.names if length_of(name) in layout.names]
    fit = all((rows[length_of(name)] == layout[name].itemsize).all() for name in values)
    if not (fit and (rows["fields"] == len(values)).all() and stream.endswith(TRAILER)):
        raise StoredLapUnreadableError(len(stream), frames)
    return rows


def _column(rows: np.ndarray, name: str, kind: pa.DataType) -> Column:
    values = rows[name]
    nulls = None
    assert rows.dtype.names is not None
    if _is_null(name) in rows.dtype.names:
        nulls = rows[_is_null(name)].astype(np.bool_)
    if pa.types.is_timestamp(kind):
        return pa.array(values.astype(np.int64) + UNIX_TO_POSTGRESQL_US, pa.int64(), mask=nulls).view(kind)
    native = values.astype(np.bool_) if pa.types.is_boolean(kind) else values.astype(values.dtype.newbyteorder("="))
    return pa.array(native, kind, mask=nulls)
