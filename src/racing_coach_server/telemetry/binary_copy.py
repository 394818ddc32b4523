"""A lap in PostgreSQL's binary COPY format, written by numpy.

The blocks of a lap all look alike: records, whose arrays are filled channel by channel. Only where a channel has values
in some frames and none in others are the bytes of the nulls taken out again.
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column, plain_numbers
from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_server.telemetry.copy_format import (
    ARRAY_HEAD,
    HEADER,
    NULL,
    TRAILER,
    TYPE_OIDS,
    UNIX_TO_POSTGRESQL_US,
    element,
    length_of,
)
from racing_coach_server.telemetry.models import BLOCK_FRAMES

COPY_COLUMNS: Final = ("lap_id", "first_frame", "frame_count", *LAP_SCHEMA.names)
"""The columns of `frame_blocks` in the order in which they are written."""

_BLOCKS: Final = 4
"""Blocks written at once, a megabyte: the database works on them while the next are written.

The first leaves alone, so that there is something to work on sooner."""
_PIECE: Final = 1 << 18
"""Bytes in one message to the server, which holds a whole one in memory; each costs a turn of the event loop."""


@dataclass(frozen=True, slots=True)
class _Values:
    """One column of a lap: its numbers, and where it has none."""

    name: str
    numbers: np.ndarray
    nulls: np.ndarray | None


def binary_copy(frames: pa.RecordBatch, *, lap_id: UUID) -> Iterator[memoryview]:
    """Write a lap's frames as a binary COPY stream with the columns `COPY_COLUMNS`.

    Args:
        frames: canonical columns (`LAP_SCHEMA`).
        lap_id: goes into every block.

    Yields:
        the stream in pieces of at most 256 KiB, none of which is written to again.
    """
    yield memoryview(HEADER)
    columns = [_values(name, column) for name, column in zip(LAP_SCHEMA.names, frames.columns, strict=True)]
    filled = [column for column in columns if column is not None]
    empty = frozenset(LAP_SCHEMA.names) - {column.name for column in filled}
    whole = frames.num_rows // BLOCK_FRAMES
    bounds = itertools.pairwise([0, *range(1, whole, _BLOCKS), whole])
    groups = [(start * BLOCK_FRAMES, end - start, BLOCK_FRAMES) for start, end in bounds if start < end]
    if rest := frames.num_rows % BLOCK_FRAMES:
        groups.append((whole * BLOCK_FRAMES, 1, rest))
    for start, blocks, length in groups:
        data = _blocks(_copies(_template(empty, length), blocks), filled, start, lap_id)
        for at in range(0, len(data), _PIECE):
            yield data[at : at + _PIECE]
    yield memoryview(TRAILER)


def ahead(pieces: Iterator[memoryview]) -> Iterator[memoryview]:
    """The same stream, with the head and the first piece written now."""
    return itertools.chain([*itertools.islice(pieces, 2)], pieces)


def _values(name: str, column: Column) -> _Values | None:
    """A column as plain numbers; None if it has no value at all."""
    if column.null_count == len(column):
        return None
    nulls = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    numbers = plain_numbers(column)
    if pa.types.is_timestamp(column.type):
        numbers = numbers - UNIX_TO_POSTGRESQL_US
    return _Values(name, numbers, nulls)


def _layout(empty: frozenset[str], frames: int) -> np.dtype[Any]:
    """A block of so many frames as a record. Channels without any value have a length and nothing else."""
    fields: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, kind in (("lap_id", "V16"), ("first_frame", ">i4"), ("frame_count", ">i4")):
        fields += [(length_of(name), ">i4"), (name, kind)]
    for field in LAP_SCHEMA:
        fields.append((length_of(field.name), ">i4"))
        if field.name not in empty:
            fields += [
                (_head_of(field.name), ARRAY_HEAD),
                (field.name, element(CHANNEL_BY_NAME[field.name].kind), (frames,)),
            ]
    return np.dtype(fields)


def _head_of(name: str) -> str:
    return f"head of {name}"


@functools.lru_cache(maxsize=16)
def _template(empty: frozenset[str], frames: int) -> np.ndarray:
    """A block with everything in it that is the same in all blocks of that length."""
    layout = _layout(empty, frames)
    block = np.zeros(1, layout)
    block["fields"] = len(COPY_COLUMNS)
    for name in COPY_COLUMNS[:3]:
        block[length_of(name)] = layout[name].itemsize
    block["frame_count"] = frames
    for field in LAP_SCHEMA:
        if field.name in empty:
            block[length_of(field.name)] = NULL
            continue
        block[length_of(field.name)] = ARRAY_HEAD.itemsize + layout[field.name].itemsize
        block[_head_of(field.name)] = (1, 0, TYPE_OIDS[CHANNEL_BY_NAME[field.name].kind], frames, 1)
        block[field.name]["length"] = layout[field.name].base["value"].itemsize
    return block


def _copies(template: np.ndarray, count: int) -> np.ndarray:
    """So many blocks like it. Copied as bytes, which takes a fifth of the time that copying records takes."""
    copies = np.empty(count, template.dtype)
    copies.view(np.uint8).reshape(count, -1)[:] = template.view(np.uint8)
    return copies


def _blocks(blocks: np.ndarray, columns: list[_Values], start: int, lap_id: UUID) -> memoryview:
    """The blocks, filled with the frames from `start` on."""
    count, frames = len(blocks), int(blocks["frame_count"][0])
    end = start + count * frames
    blocks["lap_id"] = np.void(lap_id.bytes)
    blocks["first_frame"] = np.arange(start, end, frames)
    partly = []
    for column in columns:
        blocks[column.name]["value"] = column.numbers[start:end].reshape(count, frames)
        if column.nulls is not None and (nulls := column.nulls[start:end]).any():
            partly.append((column.name, nulls.reshape(count, frames)))
    return memoryview(_without_nulls(blocks, partly) if partly else blocks.view(np.uint8))


def _without_nulls(blocks: np.ndarray, partly: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Mark the nulls, and take their bytes out."""
    size = blocks.dtype.itemsize
    keep = np.ones((len(blocks), size), np.bool_)
    assert blocks.dtype.fields is not None
    for name, nulls in partly:
        kind, offset = blocks.dtype.fields[name][:2]
        width = kind.base["value"].itemsize
        blocks[length_of(name)] -= width * nulls.sum(axis=1)
        blocks[_head_of(name)]["has_nulls"] = nulls.any(axis=1)
        blocks[name]["length"][nulls] = NULL
        elements = keep[:, offset : offset + kind.itemsize].reshape(*nulls.shape, kind.base.itemsize)
        elements[nulls, kind.base.itemsize - width :] = False
    return blocks.view(np.uint8).reshape(len(blocks), size)[keep]
