"""A lap in PostgreSQL's binary COPY format, written by numpy.

The blocks of a lap all look alike: records, in which the arrays of neighbouring channels whose numbers are equally wide
lie one after the other, all of one size. Such a run of channels is filled at once. Only where a channel has values in
some frames and none in others are the bytes of the nulls taken out again.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column, plain_numbers, side_by_side
from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_server.telemetry.copy_format import (
    HEADER,
    NULL,
    TRAILER,
    TYPE_OIDS,
    UNIX_TO_POSTGRESQL_US,
    array_of,
    length_of,
    width_of,
)
from racing_coach_server.telemetry.models import BLOCK_FRAMES

_OF_A_BLOCK: Final = 3
COPY_COLUMNS: Final = ("lap_id", "first_frame", "frame_count", *LAP_SCHEMA.names)
"""The columns of `frame_blocks` in the order in which they are written: of a block as a whole, and the channels."""

_BLOCKS: Final = 4
"""Blocks written at once, a megabyte: the database works on them while the next are written.

The first leaves alone, so that there is something to work on sooner."""
_PIECE: Final = 1 << 18
"""Bytes in one message to the server, which holds a whole one in memory; each costs a turn of the event loop."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Channels of a lap that lie side by side and look alike.

    Attributes:
        name: of the field in a block.
        numbers: `(channels, frames)`, as bits.
        nulls: of those channels that have some, which frames have no value, by the channel's place in the run.
    """

    name: str
    numbers: np.ndarray
    nulls: dict[int, np.ndarray]


def binary_copy(frames: pa.RecordBatch, *, lap_id: UUID, made_of: Sequence[Column] = ()) -> Iterator[memoryview]:
    """Write a lap's frames as a binary COPY stream with the columns `COPY_COLUMNS`.

    Args:
        frames: canonical columns (`LAP_SCHEMA`), at least one row.
        lap_id: goes into every block.
        made_of: the same columns, where they are at hand.

    Yields:
        the stream in pieces of some 256 KiB, none of which is written to again.
    """
    columns = dict(zip(COPY_COLUMNS[_OF_A_BLOCK:], made_of or frames.columns, strict=True))
    empty = frozenset(name for name, column in columns.items() if column.null_count == len(column))
    runs = [_run(name, [columns[channel] for channel in channels]) for name, channels in _runs(empty).items()]
    whole = frames.num_rows // BLOCK_FRAMES
    bounds = itertools.pairwise([0, *range(1, whole, _BLOCKS), whole])
    groups = [(start * BLOCK_FRAMES, end - start, BLOCK_FRAMES) for start, end in bounds if start < end]
    if rest := frames.num_rows % BLOCK_FRAMES:
        groups.append((whole * BLOCK_FRAMES, 1, rest))
    for number, (start, blocks, length) in enumerate(groups, 1):
        data = _blocks(_copies(_template(empty, length), blocks), runs, start, lap_id)
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            # A message of their own would cost them a turn of the event loop.
            if number == 1 and at == 0:
                piece = memoryview(b"".join((HEADER, piece)))
            if number == len(groups) and at + _PIECE >= len(data):
                piece = memoryview(b"".join((piece, TRAILER)))
            yield piece


def ahead(pieces: Iterator[memoryview]) -> Iterator[memoryview]:
    """The same stream, with the first piece written now."""
    return itertools.chain([*itertools.islice(pieces, 1)], pieces)


@functools.lru_cache(maxsize=16)
def _runs(empty: frozenset[str]) -> dict[str, list[str]]:
    """The channels of each run. One without any value is a length and nothing else, and ends the run before it."""
    runs: dict[str, list[str]] = {}
    kinds = [
        (field.name, 0 if field.name in empty else width_of(CHANNEL_BY_NAME[field.name].kind)) for field in LAP_SCHEMA
    ]
    for width, members in itertools.groupby(kinds, key=lambda kind: kind[1]):
        names = [name for name, _ in members]
        if width:
            runs[f"run of {names[0]}"] = names
    return runs


def _run(name: str, columns: list[Column]) -> _Run:
    nulls = {
        place: column.is_null().to_numpy(zero_copy_only=False)
        for place, column in enumerate(columns)
        if column.null_count
    }
    first = columns[0].type
    if not nulls and not pa.types.is_timestamp(first) and not pa.types.is_boolean(first):
        return _Run(name, side_by_side(columns, np.dtype(f"u{first.bit_width // 8}")), nulls)
    return _Run(name, np.concatenate([_bits(column) for column in columns]).reshape(len(columns), -1), nulls)


def _bits(column: Column) -> np.ndarray:
    """A column's numbers as unsigned integers of the same bits."""
    numbers = plain_numbers(column)
    if pa.types.is_timestamp(column.type):
        numbers = numbers - UNIX_TO_POSTGRESQL_US
    return numbers.view(f"u{numbers.itemsize}")


def _layout(empty: frozenset[str], frames: int) -> np.dtype[Any]:
    """A block of so many frames as a record."""
    fields: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, kind in (("lap_id", "V16"), ("first_frame", ">i4"), ("frame_count", ">i4")):
        fields += [(length_of(name), ">i4"), (name, kind)]
    first = {channels[0]: (run, channels) for run, channels in _runs(empty).items()}
    for name in LAP_SCHEMA.names:
        if name in empty:
            fields.append((length_of(name), ">i4"))
        elif name in first:
            run, channels = first[name]
            fields.append((run, array_of(width_of(CHANNEL_BY_NAME[name].kind), frames), (len(channels),)))
    return np.dtype(fields)


@functools.lru_cache(maxsize=16)
def _template(empty: frozenset[str], frames: int) -> np.ndarray:
    """A block with everything in it that is the same in all blocks of that length."""
    layout = _layout(empty, frames)
    block = np.zeros(1, layout)
    block["fields"] = len(COPY_COLUMNS)
    for name in COPY_COLUMNS[:_OF_A_BLOCK]:
        block[length_of(name)] = layout[name].itemsize
    block["frame_count"] = frames
    for name in empty:
        block[length_of(name)] = NULL
    for run, channels in _runs(empty).items():
        arrays = block[run]
        arrays["length"] = arrays.itemsize - arrays.dtype["length"].itemsize
        arrays["elements"]["length"] = arrays.dtype["elements"].base["value"].itemsize
        for place, name in enumerate(channels):
            arrays["head"][:, place] = (1, 0, TYPE_OIDS[CHANNEL_BY_NAME[name].kind], frames, 1)
    return block


def _copies(template: np.ndarray, count: int) -> np.ndarray:
    """So many blocks like it. Copied as bytes, which takes a fifth of the time that copying records takes."""
    copies = np.empty(count, template.dtype)
    copies.view(np.uint8).reshape(count, -1)[:] = template.view(np.uint8)
    return copies


def _blocks(blocks: np.ndarray, runs: list[_Run], start: int, lap_id: UUID) -> memoryview:
    """The blocks, filled with the frames from `start` on."""
    count, frames = len(blocks), int(blocks["frame_count"][0])
    end = start + count * frames
    blocks["lap_id"] = np.void(lap_id.bytes)
    blocks["first_frame"] = np.arange(start, end, frames)
    partly = []
    for run in runs:
        blocks[run.name]["elements"]["value"] = run.numbers[:, start:end].reshape(-1, count, frames).swapaxes(0, 1)
        for place, nulls in run.nulls.items():
            if nulls[start:end].any():
                partly.append((run.name, place, nulls[start:end].reshape(count, frames)))
    return memoryview(_without_nulls(blocks, partly) if partly else blocks.view(np.uint8))


def _without_nulls(blocks: np.ndarray, partly: list[tuple[str, int, np.ndarray]]) -> np.ndarray:
    """Mark the nulls, and take their bytes out."""
    size = blocks.dtype.itemsize
    keep = np.ones((len(blocks), size), np.bool_)
    assert blocks.dtype.fields is not None
    for run, place, nulls in partly:
        array = blocks[run][:, place]
        kind = array.dtype["elements"].base
        width = kind["value"].itemsize
        array["length"] -= width * nulls.sum(axis=1)
        array["head"]["has_nulls"] = nulls.any(axis=1)
        array["elements"]["length"][nulls] = NULL
        end = blocks.dtype.fields[run][1] + (place + 1) * array.itemsize
        elements = keep[:, end - array.dtype["elements"].itemsize : end].reshape(*nulls.shape, kind.itemsize)
        elements[nulls, kind.itemsize - width :] = False
    return blocks.view(np.uint8).reshape(len(blocks), size)[keep]
