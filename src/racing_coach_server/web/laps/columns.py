"""A lap's frames as a file: JSON, CSV, Arrow or Parquet."""

import io
import json
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pyarrow as pa

from racing_coach_core.channels import CHANNEL_BY_NAME
from racing_coach_server.web.laps.formats import MEDIA_TYPES, ColumnFormat

_UNIT: Final = b"unit"


@dataclass(frozen=True, slots=True)
class ColumnsFile:
    """Frames as bytes, and how they are called."""

    content: bytes
    name: str
    media_type: str


def columns_file(lap_id: UUID, frames: pa.RecordBatch, kind: ColumnFormat) -> ColumnsFile:
    """Write frames; takes a moment of a thread."""
    table = pa.Table.from_batches([_with_units(frames)])
    if kind is ColumnFormat.JSON:
        content = _json(lap_id, table)
    else:
        sink = io.BytesIO()
        match kind:
            case ColumnFormat.CSV:
                from pyarrow.csv import write_csv  # noqa: PLC0415 (as below)

                write_csv(table, sink)
            case ColumnFormat.ARROW:
                with pa.ipc.new_stream(sink, table.schema) as stream:
                    stream.write_table(table)
            case ColumnFormat.PARQUET:
                # Few ask for it, and it takes 5 MB of every process that might be asked.
                from pyarrow.parquet import write_table  # noqa: PLC0415

                write_table(table, sink, compression="zstd")
        content = sink.getvalue()
    return ColumnsFile(content, f"lap-{lap_id}.{kind}", MEDIA_TYPES[kind])


def _with_units(frames: pa.RecordBatch) -> pa.RecordBatch:
    fields = [field.with_metadata({_UNIT: CHANNEL_BY_NAME[field.name].unit.encode()}) for field in frames.schema]
    return pa.RecordBatch.from_arrays(frames.columns, schema=pa.schema(fields))


def _json(lap_id: UUID, table: pa.Table) -> bytes:
    """By channel, one value a frame; what is not a number is none."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            columns[name] = [None if value is None else value.isoformat() for value in column.to_pylist()]
        elif pa.types.is_floating(column.type):
            columns[name] = [
                value if value is None or abs(value) < float("inf") else None for value in column.to_pylist()
            ]
        else:
            columns[name] = column.to_pylist()
    return json.dumps({"lap_id": str(lap_id), "frames": table.num_rows, "columns": columns}, allow_nan=False).encode()
