"""A lap's blocks as a binary COPY stream has them: its arrays as numbers, without a Python object for any value.

A block comes as arrays, one after the other. An array without nulls is an array of records, each with its length; in
one with nulls it has to be found where each element begins. What is read is checked against that form, to the last
byte.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.channels import CHANNEL_BY_NAME
from racing_coach_server.telemetry.copy_format import ARRAY_HEAD, HEADER, NULL, TRAILER, TYPE_OIDS, element
from racing_coach_server.telemetry.copy_out import copy_out
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.models import frame_blocks

_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has left it so


@dataclass(frozen=True, slots=True)
class Block:
    """Frames that follow one another, and of each channel what was sent of it: None where it has no value at all."""

    frames: int
    arrays: Sequence[memoryview | None]


async def blocks_of(session: AsyncSession, lap_id: UUID, names: Sequence[str]) -> memoryview:
    """The stream of a lap's blocks with these channels, for `blocks`."""
    return memoryview(await copy_out(session, _query(tuple(names)), lap_id))


@functools.lru_cache(maxsize=64)
def _query(names: tuple[str, ...]) -> str:
    """The query, with the lap's id as its one parameter."""
    columns = [frame_blocks.c[name] for name in ("first_frame", "frame_count", *names)]
    statement = select(*columns).where(frame_blocks.c.lap_id == bindparam("lap_id"))
    return str(statement.order_by(frame_blocks.c.first_frame).compile(dialect=_DIALECT))


def blocks(stream: memoryview, channels: int) -> Iterator[Block]:
    """A lap's blocks, in driving order.

    Raises:
        StoredLapUnreadableError: they are not what a lap's blocks are.
    """
    frames = 0
    for first, count, *arrays in _rows(stream, 2 + channels):
        if first is None or count is None or int.from_bytes(first) != frames:
            raise StoredLapUnreadableError(f"a block is missing: {frames:,} frames lie before it")
        block = Block(int.from_bytes(count), arrays)
        yield block
        frames += block.frames


def _rows(stream: memoryview, fields: int) -> Iterator[list[memoryview | None]]:
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


def numbers(array: memoryview, name: str, frames: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A channel's values in a block, zero where there is none, and where that is.

    Raises:
        StoredLapUnreadableError: it is not the array of so many frames.
    """
    kind = CHANNEL_BY_NAME[name].kind
    head = np.frombuffer(array[: ARRAY_HEAD.itemsize], ARRAY_HEAD)[0]
    if (head["dimensions"], head["type"], head["length"]) != (1, TYPE_OIDS[kind], frames):
        raise StoredLapUnreadableError(f"{name} is no array of {frames} frames")
    return _values(array[ARRAY_HEAD.itemsize :], element(kind), frames, name)


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
