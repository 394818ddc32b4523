"""The JSON encoding of a lap, as existing Racing Coach clients send it.

pyarrow parses the frames to columns without a Python object per frame. What it refuses is read again frame by
frame with the pydantic models, which name the frame and the value that is wrong, or show that pyarrow was
stricter than the contract; so both ways together accept exactly what `LapUploadRequest` accepts.
"""

from typing import Any, Final, cast
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json
from pydantic import TypeAdapter, ValidationError

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import CHANNELS, Channel
from racing_coach_core.codecs.canonical import canonical_frames
from racing_coach_core.codecs.compression import Buffer
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.codecs.reports import details_of
from racing_coach_core.exceptions import (
    ErrorDetail,
    InvalidLapError,
    MalformedPayloadError,
    PayloadTooLargeError,
)
from racing_coach_core.frame_columns import columns_of, json_frames
from racing_coach_core.frames import LapTime, SessionFrame, TelemetryFrame, parse_timestamp
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.validation import MAX_ERRORS, check_frames

CONTENT_TYPE: Final = "application/json"
_SLOW_CHUNK: Final = 1_000
_NULL: Final = msgspec.Raw(b"null")
_MAX_PIECE: Final = 1 << 20
"""The largest part of a document that pydantic gets to see: it makes 270 bytes of every `[]`, ignored or not."""
_OBJECTS_A_FRAME: Final = 16
"""A frame with every channel holds twelve objects: itself, two times a set of four tyres, and the brakes."""
_BLOCK: Final = 1 << 18

_LAP_ID: Final[TypeAdapter[UUID | None]] = TypeAdapter(UUID | None)
_LAP_TIME: Final[TypeAdapter[float | None]] = TypeAdapter(LapTime)
_SESSION: Final[TypeAdapter[SessionFrame]] = TypeAdapter(SessionFrame)


class _LapEnvelope(msgspec.Struct):
    frames: msgspec.Raw = _NULL
    lap_time: msgspec.Raw = _NULL


class _Envelope(msgspec.Struct):
    """The parts of the document, each as it stands in the payload."""

    session: msgspec.Raw = _NULL
    lap: _LapEnvelope | None = None
    lap_id: msgspec.Raw = _NULL


class _AnyObject(msgspec.Struct, gc=False):
    """A JSON object, whatever it holds."""


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_FRAME_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT_LIST: Final = msgspec.json.Decoder(list[_AnyObject])


def encode_json(lap: Lap) -> bytes:
    """Encode a lap as `LapUploadRequest`."""
    document = {
        "lap_id": lap.lap_id,
        "session": lap.session.model_dump(mode="json"),
        "lap": {"lap_time": lap.lap_time, "frames": list(json_frames(lap.frames))},
    }
    return msgspec.json.encode(document)


def decode_json(payload: Buffer, limits: PayloadLimits) -> Lap:
    """Decode a JSON document to a lap.

    Raises:
        MalformedPayloadError: not a JSON document (RFC 8259; NaN and Infinity are none).
        PayloadTooLargeError: more frames than allowed.
        InvalidLapError: not a lap; says what is wrong where.
    """
    envelope = _envelope(payload)
    lap_id, session, lap_time = _head(envelope)
    assert envelope.lap is not None
    frames = _frames(envelope.lap.frames, limits)
    if errors := check_frames(frames):
        raise InvalidLapError(errors)
    number = frames.column("lap_number")[0].as_py()
    return Lap(
        lap_id=lap_id or lap_id_for(session.session_id, number),
        session=session,
        lap_time=lap_time,
        frames=frames,
    )


def _envelope(payload: Buffer) -> _Envelope:
    try:
        _check_utf8(payload)
        return _ENVELOPE.decode(payload)
    except msgspec.ValidationError as error:
        raise InvalidLapError([ErrorDetail((), f"not a lap: {error}")]) from error
    except (msgspec.DecodeError, pa.ArrowInvalid, RecursionError) as error:
        raise MalformedPayloadError(f"not JSON: {error}") from error


def _check_utf8(payload: Buffer) -> None:
    """Refuse what is not UTF-8 without making a str of it."""
    offsets = pa.py_buffer(np.array([0, len(payload)], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(payload)])
    text.validate(full=True)


def _head(envelope: _Envelope) -> tuple[UUID | None, SessionFrame, float | None]:
    """Validate everything but the frames, and report all of it at once."""
    errors: list[ErrorDetail] = []

    def read[T](adapter: TypeAdapter[T], raw: msgspec.Raw, *loc: str) -> T | None:
        try:
            return adapter.validate_json(_small(raw, loc))
        except ValidationError as error:
            errors.extend(details_of(error, loc))
        except InvalidLapError as error:
            errors.extend(error.errors)
        return None

    lap_id = read(_LAP_ID, envelope.lap_id, "lap_id")
    session = None
    if bytes(envelope.session) == b"null":
        errors.append(ErrorDetail(("session",), "is required"))
    else:
        session = read(_SESSION, envelope.session, "session")
    lap = envelope.lap
    lap_time = read(_LAP_TIME, lap.lap_time, "lap", "lap_time") if lap else None
    if lap is None:
        errors.append(ErrorDetail(("lap",), "is required"))
    elif bytes(lap.frames) == b"null":
        errors.append(ErrorDetail(("lap", "frames"), "is required"))
    if errors or session is None:
        raise InvalidLapError(errors[:MAX_ERRORS])
    return lap_id, session, lap_time


def _small(raw: msgspec.Raw, loc: tuple[str | int, ...]) -> bytes:
    """A part of the document for pydantic.

    Raises:
        InvalidLapError: too large for it.
    """
    size = len(memoryview(raw))
    if size > _MAX_PIECE:
        raise InvalidLapError([ErrorDetail(loc, f"may take at most {_MAX_PIECE:,} bytes, takes {size:,}")])
    return bytes(raw)


def _frames(raw: msgspec.Raw, limits: PayloadLimits) -> pa.RecordBatch:
    columns = _columns(raw) if _check_count(raw, limits) else None
    if columns is None:
        # Here, where nothing holds the whole text and its columns any more.
        return _frames_slowly(raw)
    return canonical_frames(columns, len(columns["timestamp"]))


def _columns(raw: msgspec.Raw) -> dict[str, Column] | None:
    """The frames as pyarrow has them; None if they need a closer look."""
    try:
        columns = _flatten(_parse(b"".join((b'{"frames":', raw, b"}"))))
    except pa.ArrowInvalid:
        return None
    stamps = _timestamps(columns["timestamp"])
    return None if stamps is None else {**columns, "timestamp": stamps}


def _check_count(raw: msgspec.Raw, limits: PayloadLimits) -> bool:
    """Count the frames before anything is made of them: three bytes, `{},`, become half a kilobyte of columns.

    Returns:
        Whether they are for pyarrow. It makes several copies of every value, too many of one of a hundred megabytes:
        where no object begins for so long, they are looked at one by one.

    Raises:
        PayloadTooLargeError: more frames than allowed, or more objects than so many frames hold.
        InvalidLapError: not a list of objects.
    """
    text = np.frombuffer(raw, np.uint8)
    braces = [int(np.count_nonzero(text[at : at + _BLOCK] == ord("{"))) for at in range(0, len(text), _BLOCK)]
    allowed = _OBJECTS_A_FRAME * limits.frames
    if sum(braces) > allowed:
        raise PayloadTooLargeError("the number of JSON objects in the frames", sum(braces), allowed)
    try:
        count = len(_OBJECT_LIST.decode(raw))
    except msgspec.DecodeError as error:
        raise InvalidLapError([ErrorDetail(("lap", "frames"), f"must be a list of frames: {error}")]) from error
    if count > limits.frames:
        raise PayloadTooLargeError("the number of frames", count, limits.frames)
    return all(braces[:-1])


# --- the fast way: pyarrow -------------------------------------------------------------------------------


def _wire_type(channel: Channel) -> pa.DataType:
    if pa.types.is_timestamp(channel.type):
        return pa.string()
    if pa.types.is_floating(channel.type):
        return pa.float64()  # rounded to 32 bits once, by the cast to the canonical type
    return channel.type


def _frame_type() -> pa.StructType:
    """The JSON TelemetryFrame as an Arrow struct, from the channels' paths."""
    tree: dict[str, Any] = {}
    for channel in CHANNELS:
        *parents, leaf = channel.json_path
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = _wire_type(channel)

    def struct(node: dict[str, Any]) -> pa.StructType:
        return pa.struct([(k, struct(v) if isinstance(v, dict) else v) for k, v in node.items()])

    return struct(tree)


_FRAMES_SCHEMA: Final = pa.schema([("frames", pa.list_(_frame_type()))])


def _parse(text: bytes) -> pa.StructArray:
    """The frames of `{"frames": [...]}` as an array of structs.

    Raises:
        pyarrow.ArrowInvalid: a value of another kind than its channel's.
    """
    table = pa_json.read_json(
        pa.BufferReader(text),  # type: ignore[arg-type]  # the stubs know of Python's files only
        # One block: the document is one row.
        read_options=pa_json.ReadOptions(use_threads=False, block_size=min(len(text) + 1, 2**31 - 1)),
        parse_options=pa_json.ParseOptions(
            explicit_schema=_FRAMES_SCHEMA,
            # To look for the end of a document with line breaks takes as long as to parse it.
            newlines_in_values=b"\n" in text,
            unexpected_field_behavior="ignore",
        ),
    )
    if table.num_rows != 1:
        raise pa.ArrowInvalid("more than one document")
    return cast("pa.StructArray", table.column("frames").chunk(0).flatten())


def _flatten(frames: pa.StructArray) -> dict[str, Column]:
    return {c.name: pc.struct_field(frames, list(c.json_path)) for c in CHANNELS}


_MAX_TIMESTAMP: Final = 64
_ZONED: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$"
_NAIVE: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$"


def _timestamps(column: Column) -> Column | None:
    """Wire timestamps as instants; None if they need a closer look."""
    longest = cast("int | None", pc.max(pc.binary_length(cast("pa.StringArray", column))).as_py())
    if longest is not None and longest > _MAX_TIMESTAMP:
        return None
    try:
        if pc.all(pc.match_substring_regex(column, _ZONED)).as_py():
            return column.cast(pa.timestamp("us", tz="UTC"))
        if pc.all(pc.match_substring_regex(column, _NAIVE)).as_py():
            return column.cast(pa.timestamp("us"))
        stamps = [None if text is None else parse_timestamp(text) for text in column.to_pylist()]
        return pa.array(stamps, pa.timestamp("us", tz="UTC"))
    except (pa.ArrowInvalid, ValueError, OverflowError):
        return None


# --- the slow way: pydantic, frame by frame --------------------------------------------------------------


def _frames_slowly(raw: msgspec.Raw) -> pa.RecordBatch:
    """Validate each frame by itself, a thousand at a time, so that memory stays bounded."""
    pieces = _FRAME_LIST.decode(raw)
    errors: list[ErrorDetail] = []
    batches: list[pa.RecordBatch] = []
    for start in range(0, len(pieces), _SLOW_CHUNK):
        chunk = [_frame(pieces[i], i, errors) for i in range(start, min(start + _SLOW_CHUNK, len(pieces)))]
        if len(errors) >= MAX_ERRORS:
            break
        batches.append(columns_of([frame for frame in chunk if frame is not None]))
    if errors:
        raise InvalidLapError(errors[:MAX_ERRORS])
    if not batches:
        raise InvalidLapError([ErrorDetail(("lap", "frames"), "must hold at least one frame")])
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _frame(piece: msgspec.Raw, index: int, errors: list[ErrorDetail]) -> TelemetryFrame | None:
    if len(errors) >= MAX_ERRORS:
        return None
    try:
        return TelemetryFrame.model_validate_json(_small(piece, ("lap", "frames", index)))
    except ValidationError as error:
        errors.extend(details_of(error, ("lap", "frames", index)))
    except InvalidLapError as error:
        errors.extend(error.errors)
    return None
