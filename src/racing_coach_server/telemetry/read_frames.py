"""Frames out of the database with binary COPY, into columns, without a Python object for any value.

A block comes as arrays, one after the other. An array without nulls is an array of records, each with its length; in
one with nulls it has to be found where each element begins. What is read is checked against that form, to the last
byte.
"""

import asyncio
import functools
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.arrow_types import Column, null_column
from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_server.telemetry.copy_format import (
    ARRAY_HEAD,
    HEADER,
    NULL,
    TRAILER,
    TYPE_OIDS,
    column_of,
    element,
)
from racing_coach_server.telemetry.copy_out import copy_out
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.models import frame_blocks

_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has left it so


async def read_frames(session: AsyncSession, lap_id: UUID, names: Sequence[str]) -> pa.RecordBatch:
    """A lap's frames in driving order, bit for bit as they were stored; no rows for a lap that has no blocks.

    Args:
        session: the transaction to read in.
        lap_id: which lap.
        names: channels, which become the columns in this order.

    Raises:
        StoredLapUnreadableError: its blocks are not what a lap's blocks are.
    """
    stream = await copy_out(session, _query(tuple(names)), lap_id)
    return await asyncio.to_thread(_batch, memoryview(stream), pa.schema([LAP_SCHEMA.field(name) for name in names]))


@functools.lru_cache(maxsize=64)
def _query(names: tuple[str, ...]) -> str:
    """The query, with the lap's id as its one parameter."""
    columns = [frame_blocks.c[name] for name in ("first_frame", "frame_count", *names)]
    statement = select(*columns).where(frame_blocks.c.lap_id == bindparam("lap_id"))
    return str(statement.order_by(frame_blocks.c.first_frame).compile(dialect=_DIALECT))


def _batch(stream: memoryview, schema: pa.Schema) -> pa.RecordBatch:
    parts: list[list[Column]] = [[] for _ in schema]
    frames = 0
    for first, count, *arrays in _blocks(stream, 2 + len(schema)):
        if first is None or count is None or int.from_bytes(first) != frames:
            raise StoredLapUnreadableError(f"a block is missing: {frames:,} frames lie before it")
        length = int.from_bytes(count)
        for field, array, part in zip(schema, arrays, parts, strict=True):
            part.append(
                null_column(length, field.type) if array is None else _column(array, field.name, field.type, length)
            )
        frames += length
    if not frames:
        return pa.RecordBatch.from_pylist([], schema=schema)
    return pa.RecordBatch.from_arrays([pa.concat_arrays(part) for part in parts], schema=schema)


def _blocks(stream: memoryview, fields: int) -> Iterator[list[memoryview | None]]:
    """The fields of every row."""
    at = len(HEADER)
    if bytes(stream[:at]) != HEADER or bytes(stream[-len(TRAILER) :]) != TRAILER:
        raise StoredLapUnreadableError("the stream does not begin or end as it should")
    while (count := int.from_bytes(stream[at : at + 2], signed=True)) == fields:
        at += 2
        row: list[memoryview | None] = []
        for _ in range(fields):
            size = int.from_bytes(stream[at : at + 4], signed=True)
            at += 4
            row.append(None if size == NULL else stream[at : at + size])
            at += max(size, 0)
        yield row
    if count != NULL or at + len(TRAILER) != len(stream):
        raise StoredLapUnreadableError(f"no row of {fields} fields {len(stream) - at:,} bytes before the end")


def _column(array: memoryview | None, name: str, kind: pa.DataType, frames: int) -> Column:
    if array is None:
        return null_column(frames, kind)
    head = np.frombuffer(array[: ARRAY_HEAD.itemsize], ARRAY_HEAD)[0]
    if (head["dimensions"], head["type"], head["length"]) != (1, TYPE_OIDS[kind], frames):
        raise StoredLapUnreadableError(f"{name} is no array of {frames} frames")
    values, nulls = _values(array[ARRAY_HEAD.itemsize :], element(kind), frames, name)
    return column_of(values, nulls, kind)


def _values(
    elements: memoryview, kind: np.dtype[np.void], frames: int, name: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """The values, zero where there is none, and where that is."""
    size = kind["value"].itemsize
    if len(elements) == frames * kind.itemsize:
        records = np.frombuffer(elements, kind)
        if (records["length"] == size).all():
            return records["value"], None
    places = _places(elements, size, frames)
    lengths = np.ndarray(len(elements) - 3, ">i4", elements, strides=(1,))[places]
    nulls = lengths == NULL
    last = int(places[-1]) + 4 + (0 if nulls[-1] else size)
    if last != len(elements) or not (nulls | (lengths == size)).all():
        raise StoredLapUnreadableError(f"{name} has elements of another size")
    values = np.zeros(frames, kind["value"])
    if not nulls.all():
        every = np.ndarray(len(elements) - 3 - size, kind["value"], elements, offset=4, strides=(1,))
        values[~nulls] = every[places[~nulls]]
    return values, nulls


def _places(elements: memoryview, size: int, frames: int) -> np.ndarray:
    """Where each element begins.

    From any byte on, four say how far it is to the next element, if one begins there. So the first 2, 4, 8, ... places
    are known one after the other, each time from the ones before and leaps of twice the length.
    """
    ends = len(elements) - 3
    lengths = np.ndarray(ends, ">i4", elements, strides=(1,))
    leap = np.arange(ends + 1) + 4 + size
    leap[:-1][lengths == NULL] -= size
    leap = np.minimum(leap, ends)
    places = np.zeros(1, leap.dtype)
    while len(places) < frames:
        places = np.concatenate([places, leap[places]])
        leap = leap[leap]
    return np.minimum(places[:frames], ends - 1)
