"""What makes two laps the same in content."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column, plain_numbers, stretches
from racing_coach_core.channels import LAP_SCHEMA

_HASHED_AT_ONCE: Final = 32
"""Columns, of the longest lap 15 MB. Every update gives the GIL away and must get it back; column by column that takes
longer than the hash."""
_LABELS: Final = {field.name: f"{field.name} {field.type}\n".encode() for field in LAP_SCHEMA}

_FLOAT: Final = pa.float32()
_FLOAT_NUMBERS: Final = np.dtype(np.float32)


def content_sha256(lap_time: float | None, frames: pa.RecordBatch, made_of: Sequence[Column] = ()) -> bytes:
    """SHA-256 of what is stored of a lap, whatever encoding or compression it came in.

    Covers the lap time and every canonical column: its name, which frames have a value, and the values.
    Columns without any value do not count, so that a channel added later does not change the identity of
    laps that lack it.

    Args:
        lap_time: seconds, or None.
        frames: canonical columns (`LAP_SCHEMA`).
        made_of: those columns, where they are at hand.

    Returns:
        32 bytes.
    """
    digest = hashlib.sha256(f"{lap_time!r} {frames.num_rows}\n".encode())
    named = zip(_LABELS, made_of or frames.columns, strict=True)
    filled = [(name, column) for name, column in named if column.null_count < len(column)]
    for some in itertools.batched(filled, _HASHED_AT_ONCE, strict=False):
        digest.update(b"".join(_pieces(dict(some))))
    return digest.digest()


def _pieces(columns: Mapping[str, Column]) -> Iterator[bytes | np.ndarray | memoryview]:
    """What counts of some columns."""
    # Most of a lap are floats: one call for all of them gives the GIL away once.
    floats = [name for name, column in columns.items() if column.type == _FLOAT and not column.null_count]
    found = stretches([columns[name] for name in floats], _FLOAT_NUMBERS)
    values = dict(zip(floats, itertools.chain.from_iterable(map(_rows, found)), strict=True))
    for name, column in columns.items():
        yield _LABELS[name]
        if column.null_count:
            yield np.packbits(column.is_valid().to_numpy(zero_copy_only=False))
        yield values[name] if name in values else np.ascontiguousarray(_values(plain_numbers(column)))


def _rows(numbers: np.ndarray) -> Iterator[memoryview]:
    """The bytes of each row's values; to cut bytes takes a third of the time that it takes to hand numpy's rows on."""
    values = memoryview(_values(numbers)).cast("B")
    size = numbers.shape[1] * numbers.itemsize
    return (values[at : at + size] for at in range(0, len(values), size))


def _values(numbers: np.ndarray) -> np.ndarray:
    """The numbers, and minus zero as zero."""
    return numbers + 0.0 if numbers.dtype.kind == "f" else numbers
