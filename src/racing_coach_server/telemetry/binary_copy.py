"""A lap in PostgreSQL's binary COPY format, written by numpy.

The rows of a lap all look alike: an array of records, filled column by column. Only where a column has values in some
frames and none in others are the bytes of the nulls taken out again.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_server.telemetry.copy_format import (
    HEADER,
    NULL,
    TRAILER,
    UNIX_TO_POSTGRESQL_US,
    WIRE_TYPES,
    length_of,
)

COPY_COLUMNS: Final = (*LAP_SCHEMA.names, "track_session_id", "lap_id", "frame_index")
"""The columns of `telemetry` in the order in which they are written."""

_ROWS: Final = 512
"""Frames written at once, 290 KB: the database works on them while the next are written."""
_PIECE: Final = 1 << 16
"""Bytes in one message to the server, which holds a whole one in memory, and best in its cache."""

_UUID: Final = "V16"


@dataclass(frozen=True, slots=True)
class _Values:
    """One column of a lap: its numbers, and where it has none."""

    name: str
    numbers: np.ndarray
    nulls: np.ndarray | None


def binary_copy(frames: pa.RecordBatch, *, session_id: UUID, lap_id: UUID) -> Iterator[memoryview]:
    """Write a lap's frames as a binary COPY stream with the columns `COPY_COLUMNS`.

    Args:
        frames: canonical columns (`LAP_SCHEMA`).
        session_id: goes into every row.
        lap_id: so does this.

    Yields:
        the stream in pieces of at most 64 KiB, none of which is written to again.
    """
    yield memoryview(HEADER)
    columns = [_values(name, column) for name, column in zip(LAP_SCHEMA.names, frames.columns, strict=True)]
    filled = [column for column in columns if column is not None]
    layout = _layout(frozenset(LAP_SCHEMA.names) - {column.name for column in filled})
    template = _template(layout, session_id, lap_id)
    for start in range(0, frames.num_rows, _ROWS):
        block = _block(template, filled, start, min(start + _ROWS, frames.num_rows))
        for at in range(0, len(block), _PIECE):
            yield block[at : at + _PIECE]
    yield memoryview(TRAILER)


def _values(name: str, column: Column) -> _Values | None:
    """A column as plain numbers; None if it has no value at all."""
    if column.null_count == len(column):
        return None
    nulls = None
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    numbers = column.to_numpy(zero_copy_only=False)
    if pa.types.is_timestamp(LAP_SCHEMA.field(name).type):
        numbers = numbers - UNIX_TO_POSTGRESQL_US
    return _Values(name, numbers, nulls)


@functools.lru_cache(maxsize=64)
def _layout(empty: frozenset[str]) -> np.dtype[Any]:
    """One row as a record. Columns without any value have a length and nothing else."""
    types = {field.name: WIRE_TYPES[field.type] for field in LAP_SCHEMA}
    types |= {"track_session_id": _UUID, "lap_id": _UUID, "frame_index": ">i4"}
    fields = [("fields", ">i2")]
    for name in COPY_COLUMNS:
        fields.append((length_of(name), ">i4"))
        if name not in empty:
            fields.append((name, types[name]))
    return np.dtype(fields)


def _template(layout: np.dtype[Any], session_id: UUID, lap_id: UUID) -> np.ndarray:
    """Rows with everything in them that is the same in all rows."""
    rows = np.zeros(_ROWS, layout)
    rows["fields"] = len(COPY_COLUMNS)
    assert layout.names is not None
    for name in COPY_COLUMNS:
        rows[length_of(name)] = layout[name].itemsize if name in layout.names else NULL
    rows["track_session_id"] = np.void(session_id.bytes)
    rows["lap_id"] = np.void(lap_id.bytes)
    return rows


def _block(template: np.ndarray, columns: list[_Values], start: int, end: int) -> memoryview:
    """The rows of the frames from `start` on and before `end`."""
    rows = template[: end - start].copy()
    rows["frame_index"] = np.arange(start, end)
    for column in columns:
        rows[column.name] = column.numbers[start:end]
    partly = [(column.name, nulls) for column in columns if (nulls := _nulls(column, start, end)) is not None]
    return memoryview(_without_nulls(rows, partly) if partly else rows.view(np.uint8))


def _nulls(column: _Values, start: int, end: int) -> np.ndarray | None:
    if column.nulls is None:
        return None
    nulls = column.nulls[start:end]
    return nulls if nulls.any() else None


def _without_nulls(rows: np.ndarray, partly: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Mark the nulls, and take their bytes out."""
    size = rows.dtype.itemsize
    keep = np.ones((len(rows), size), np.bool_)
    for name, nulls in partly:
        assert rows.dtype.fields is not None
        kind, offset = rows.dtype.fields[name][:2]
        rows[length_of(name)][nulls] = NULL
        keep[nulls, offset : offset + kind.itemsize] = False
    return rows.view(np.uint8).reshape(len(rows), size)[keep]
