"""The Arrow encoding of a lap: an IPC stream whose schema metadata holds everything but the frames.

The metadata key `racing_coach.lap` holds the JSON `{"lap_id", "session", "lap": {"lap_time", "frame_count"}}`;
the frames are the canonical columns, those without any value left out, buffers compressed with zstd.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from racing_coach_core.arrow_types import Column
from racing_coach_core.codecs.arrow_batch import read_batch
from racing_coach_core.codecs.arrow_form import Form, form_of
from racing_coach_core.codecs.arrow_guard import DeclaredBatch, declared_batch
from racing_coach_core.codecs.canonical import canonical_columns
from racing_coach_core.codecs.compression import Buffer
from racing_coach_core.codecs.ending import checked_lap_of
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.codecs.reports import details_of
from racing_coach_core.exceptions import (
    InvalidLapError,
    MalformedPayloadError,
    PayloadTooLargeError,
)
from racing_coach_core.frames import SessionFrame, WireModel
from racing_coach_core.lap import Lap
from racing_coach_core.wire_types import LapTime

CONTENT_TYPE: Final = "application/vnd.apache.arrow.stream"
MAGIC: Final = b"\xff\xff\xff\xff"
"""Every message of an IPC stream begins with this continuation marker."""
_METADATA_KEY: Final = b"racing_coach.lap"
# What Arrow makes of a schema and of every column of every batch is many times what they take to write.
_MAX_SCHEMA_BYTES: Final = 1 << 20
"""Of the schema with the lap's head in it."""
_MAX_BATCHES: Final = 500
"""Of one lap; the project's rig writes one."""


class _LapHead(WireModel):
    lap_time: LapTime = None
    frame_count: int | None = Field(default=None, ge=0)


class _Head(WireModel):
    session: SessionFrame
    lap: _LapHead = _LapHead()
    lap_id: UUID | None = None


def encode_arrow(lap: Lap) -> bytes:
    """Encode a lap as the project's own rig publishes it."""
    head = _Head(
        session=lap.session,
        lap=_LapHead(lap_time=lap.lap_time, frame_count=lap.frames.num_rows),
        lap_id=lap.lap_id,
    )
    names = [f.name for f in lap.frames.schema if lap.frames.column(f.name).null_count < lap.frames.num_rows]
    batch = _alone(lap.frames.select(names)).replace_schema_metadata({_METADATA_KEY: head.model_dump_json()})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _alone(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same, with nothing else in its memory: of a slice, pyarrow writes some bytes of what lies behind it, too."""
    if all(column.get_total_buffer_size() == column.nbytes for column in batch.columns):
        return batch
    return batch.take(np.arange(batch.num_rows))


def decode_arrow(payload: Buffer, limits: PayloadLimits) -> Lap:
    """Decode an Arrow IPC stream to a lap.

    Raises:
        MalformedPayloadError: no Arrow stream, cut short, or of kinds of columns that a lap has not.
        PayloadTooLargeError: more frames or decoded bytes than allowed; told before they are allocated.
        InvalidLapError: not a lap.
    """
    try:
        stream = _read(payload, limits)
    except MemoryError:  # Arrow's is an ArrowException too, and no fault of the payload
        raise
    except (pa.ArrowException, ValueError, OSError, EOFError) as error:
        raise MalformedPayloadError(f"Arrow: {error}") from error
    head, rows, form = _head(stream.schema), stream.rows, stream.form
    columns = {
        name: _column(form.kinds[place], [part[place] for part in stream.parts]) for place, name in form.channels
    }
    if head.lap.frame_count not in (None, rows):
        raise MalformedPayloadError(f"Arrow: the payload is cut short: {rows} of {head.lap.frame_count} frames")
    return checked_lap_of(head.lap_id, head.session, head.lap.lap_time, canonical_columns(columns, rows))


def _column(kind: pa.DataType, parts: list[Column]) -> Column:
    """One column of the parts that it came in."""
    match parts:
        case []:
            return pa.array([], kind)
        case [part]:
            return part
    return pa.concat_arrays(parts)


@dataclass(frozen=True, slots=True)
class _Stream:
    """What was read.

    Attributes:
        schema: with its metadata.
        form: of its columns.
        parts: the columns of every batch that has rows.
        rows: of all batches.
    """

    schema: pa.Schema
    form: Form
    parts: list[list[Column]]
    rows: int


def _read(payload: Buffer, limits: PayloadLimits) -> _Stream:
    """Look at what every message declares, and only then decode them."""
    buffer = pa.py_buffer(payload)
    messages = pa.ipc.MessageReader.open_stream(buffer)
    schema = _schema(next(messages, None))
    form = form_of(schema)
    declared = list(_checked(messages, limits))
    parts = _decompressed(form, declared)
    if parts is None:
        # One lap is no work for several threads: waking them takes the processor longer than they save the lap.
        batches = list(pa.ipc.open_stream(buffer, options=pa.ipc.IpcReadOptions(use_threads=False)))
        parts = [batch.columns for batch in batches]
    else:
        batches = [pa.RecordBatch.from_arrays(part, schema=form.schema) for part in parts]
    for batch in batches:
        batch.validate(full=True)
    filled = [part for part, batch in zip(parts, batches, strict=True) if batch.num_rows]
    return _Stream(schema, form, filled, sum(batch.num_rows for batch in batches))


def _decompressed(form: Form, declared: list[tuple[pa.ipc.Message, DeclaredBatch]]) -> list[list[Column]] | None:
    """The columns of all batches, or None if one is not ours to read; nothing of the others is left in memory then."""
    parts = []
    for message, one in declared:
        columns = read_batch(form, message, one)
        if columns is None:
            return None
        parts.append(columns)
    return parts


def _schema(message: pa.ipc.Message | None) -> pa.Schema:
    if message is None:
        raise ValueError("the stream is empty")
    if message.type != "schema":
        raise ValueError(f"begins with a {message.type}, not with a schema")
    if message.metadata.size > _MAX_SCHEMA_BYTES:
        raise PayloadTooLargeError("the schema in bytes", message.metadata.size, _MAX_SCHEMA_BYTES)
    return pa.ipc.read_schema(message)


def _checked(
    messages: Iterator[pa.ipc.Message], limits: PayloadLimits
) -> Iterator[tuple[pa.ipc.Message, DeclaredBatch]]:
    """Record batches and nothing else, and no more of them than is allowed."""
    rows = decoded = 0
    for number, message in enumerate(messages, 1):
        if message.metadata_version != pa.ipc.MetadataVersion.V5:
            # Arrow before 1.0 could compress buffers in a way that the declared lengths do not show.
            raise ValueError("is in a format before that of Arrow 1.0")
        if message.type != "record batch":
            raise ValueError(f"holds a {message.type}; a lap has only record batches")
        declared = declared_batch(message)
        rows += declared.rows
        decoded += declared.decoded_bytes
        if number > _MAX_BATCHES:
            raise PayloadTooLargeError("the number of record batches", None, _MAX_BATCHES)
        if rows > limits.frames:
            raise PayloadTooLargeError("the number of frames", rows, limits.frames)
        if decoded > limits.decoded_bytes:
            raise PayloadTooLargeError("the decoded payload in bytes", decoded, limits.decoded_bytes)
        yield message, declared


def _head(schema: pa.Schema) -> _Head:
    raw = (schema.metadata or {}).get(_METADATA_KEY)
    if raw is None:
        raise MalformedPayloadError(f"Arrow: the schema's metadata has no {_METADATA_KEY.decode()!r}")
    try:
        return _Head.model_validate_json(raw)
    except ValidationError as error:
        raise InvalidLapError(details_of(error)) from error
