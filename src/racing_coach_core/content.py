"""What makes two laps the same in content."""

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column, plain_numbers

_HASHED_AT_ONCE: Final = 1 << 19
"""Bytes. Every update gives the GIL away and must get it back; column by column that takes longer than the hash."""


def content_sha256(lap_time: float | None, frames: pa.RecordBatch) -> bytes:
    """SHA-256 of what is stored of a lap, whatever encoding or compression it came in.

    Covers the lap time and every canonical column: its name, which frames have a value, and the values.
    Columns without any value do not count, so that a channel added later does not change the identity of
    laps that lack it.

    Args:
        lap_time: seconds, or None.
        frames: canonical columns (`LAP_SCHEMA`).

    Returns:
        32 bytes.
    """
    digest = hashlib.sha256()
    pieces: list[bytes | np.ndarray] = [f"{lap_time!r} {frames.num_rows}\n".encode()]
    waiting = 0
    for field, column in zip(frames.schema, frames.columns, strict=True):
        if column.null_count == len(column):
            continue
        pieces.append(f"{field.name} {field.type}\n".encode())
        if column.null_count:
            pieces.append(np.packbits(column.is_valid().to_numpy(zero_copy_only=False)))
        values = np.ascontiguousarray(_values(column))
        pieces.append(values)
        waiting += values.nbytes
        if waiting >= _HASHED_AT_ONCE:
            digest.update(b"".join(pieces))
            pieces, waiting = [], 0
    digest.update(b"".join(pieces))
    return digest.digest()


def _values(column: Column) -> np.ndarray:
    """The column as plain numbers, and minus zero as zero."""
    values = plain_numbers(column)
    return values + 0.0 if values.dtype.kind == "f" else values
