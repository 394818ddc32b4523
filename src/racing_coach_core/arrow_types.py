"""Columns of a lap: a name for Arrow's type, one without values, and one as numbers."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa

_FEW: Final = 4
"""Arrays: for each, numpy gives Python's lock away and waits for it again."""

type Column = pa.Array[Any]
"""One channel of a lap, one value a frame."""


def null_column(rows: int, kind: pa.DataType) -> Column:
    """A column without any value."""
    # The stubs have an overload for each concrete type and none for a type that is only known at run time.
    return cast("Column", pa.nulls(rows, kind))  # type: ignore[call-overload]


def plain_numbers(column: Column) -> np.ndarray:
    """A column as numbers: nulls as zero or false, timestamps as microseconds since 1970."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    return column.to_numpy(zero_copy_only=False)


def neighbours(starts: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """What lies side by side in memory: the first of each stretch, and the one after its last.

    Args:
        starts: addresses.
        size: bytes at each.
    """
    breaks = [place for place in range(1, len(starts)) if starts[place] != starts[place - 1] + size]
    return itertools.pairwise([0, *breaks, len(starts)])


def stretches(columns: Sequence[Column], kind: np.dtype[Any]) -> list[np.ndarray]:
    """Columns of one width, all without nulls, as few arrays `(columns, frames)`, in order.

    They are not to be written to: what came compressed lies side by side in memory, most often all of it, and is not
    copied. What lies all over the place becomes one array.

    Args:
        columns: of numbers, each of as many bytes as another.
        kind: how their bytes are read.
    """
    if not columns:
        return []
    if not len(columns[0]):
        return [np.empty((len(columns), 0), kind)]  # some have no memory at all
    buffers = [cast("pa.Buffer", column.buffers()[1]) for column in columns]
    size = len(columns[0]) * kind.itemsize
    starts = [buffer.address + column.offset * kind.itemsize for buffer, column in zip(buffers, columns, strict=True)]
    found = list(neighbours(starts, size))
    if len(found) > _FEW:
        return [np.concatenate([column.to_numpy().view(kind) for column in columns]).reshape(len(columns), -1)]
    memory = [pa.foreign_buffer(starts[first], (end - first) * size, base=buffers) for first, end in found]
    return [
        np.frombuffer(piece, kind).reshape(end - first, -1) for piece, (first, end) in zip(memory, found, strict=True)
    ]


def side_by_side(columns: Sequence[Column], kind: np.dtype[Any]) -> np.ndarray:
    """The same as one array."""
    found = stretches(columns, kind)
    return found[0] if len(found) == 1 else np.concatenate(found)
