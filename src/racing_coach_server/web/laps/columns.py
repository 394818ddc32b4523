"""A lap's frames as a file: JSON, CSV, Arrow or Parquet."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from racing_coach_core.channels import CHANNEL_BY_NAME
from racing_coach_server.web.laps.formats import MEDIA_TYPES, ColumnFormat

_UNIT: Final = b"unit"
_ROWS: Final = 4_096
"""Of a CSV in one piece."""


@dataclass(frozen=True, slots=True)
class ColumnsFile:
    """Frames as bytes, piece by piece, and how they are called."""

    pieces: Iterator[bytes]
    name: str
    media_type: str


def columns_file(lap_id: UUID, frames: pa.RecordBatch, kind: ColumnFormat) -> ColumnsFile:
    """Write frames, a piece when it is asked for: the longest lap as text takes as much memory as the process may."""
    table = pa.Table.from_batches([_with_units(frames)])
    match kind:
        case ColumnFormat.JSON:
            pieces = _json(lap_id, table)
        case ColumnFormat.CSV:
            pieces = _csv(table)
        case ColumnFormat.ARROW:
            pieces = _whole(table, _write_arrow)
        case ColumnFormat.PARQUET:
            pieces = _whole(table, _write_parquet)
    return ColumnsFile(pieces, f"lap-{lap_id}.{kind}", MEDIA_TYPES[kind])


def _with_units(frames: pa.RecordBatch) -> pa.RecordBatch:
    fields = [field.with_metadata({_UNIT: CHANNEL_BY_NAME[field.name].unit.encode()}) for field in frames.schema]
    return pa.RecordBatch.from_arrays(frames.columns, schema=pa.schema(fields))


def _whole(table: pa.Table, write: Callable[[pa.Table, io.BytesIO], None]) -> Iterator[bytes]:
    sink = io.BytesIO()
    write(table, sink)
    yield sink.getvalue()


def _write_arrow(table: pa.Table, sink: io.BytesIO) -> None:
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)


def _write_parquet(table: pa.Table, sink: io.BytesIO) -> None:
    # Few ask for it, and it takes 5 MB of every process that might be asked.
    from pyarrow.parquet import write_table  # noqa: PLC0415

    write_table(table, sink, compression="zstd")


def _csv(table: pa.Table) -> Iterator[bytes]:
    from pyarrow.csv import WriteOptions, write_csv  # noqa: PLC0415 (as Parquet)

    for start in range(0, max(1, table.num_rows), _ROWS):
        sink = io.BytesIO()
        write_csv(table.slice(start, _ROWS), sink, WriteOptions(include_header=start == 0))
        yield sink.getvalue()


def _json(lap_id: UUID, table: pa.Table) -> Iterator[bytes]:
    """By channel, one value a frame; what is not a number is none."""
    head = json.dumps({"lap_id": str(lap_id), "frames": table.num_rows, "columns": {}})
    yield head.removesuffix("}}").encode()
    for index, name in enumerate(table.column_names):
        comma = "," if index else ""
        yield f"{comma}{json.dumps(name)}: {json.dumps(_values(table.column(name)), allow_nan=False)}".encode()
    yield b"}}"


def _values(column: "pa.ChunkedArray[Any]") -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [None if value is None else value.isoformat() for value in column.to_pylist()]
    if pa.types.is_floating(column.type):
        return [value if value is None or abs(value) < float("inf") else None for value in column.to_pylist()]
    return column.to_pylist()
