"""The JSON encoding of a lap, as existing Racing Coach clients send it.

pyarrow parses the frames (`json_columns`). What it refuses is read again frame by frame with the pydantic models
(`json_frames`), which name the frame and the value that is wrong, or show that pyarrow was stricter than the
contract; so both ways together accept exactly what `LapUploadRequest` accepts, as long as the frames that need the
second way are not too many for it.
"""

from typing import Final
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from racing_coach_core.codecs.canonical import canonical_frames
from racing_coach_core.codecs.compression import Buffer
from racing_coach_core.codecs.ending import checked_lap
from racing_coach_core.codecs.json_columns import read_columns
from racing_coach_core.codecs.json_frames import piece_of, read_frames
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.codecs.reports import details_of
from racing_coach_core.exceptions import (
    ErrorDetail,
    InvalidLapError,
    MalformedPayloadError,
    PayloadTooLargeError,
)
from racing_coach_core.frame_columns import json_frames
from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap
from racing_coach_core.validation import MAX_ERRORS
from racing_coach_core.wire_types import LapTime

CONTENT_TYPE: Final = "application/json"
_NULL: Final = msgspec.Raw(b"null")
_OBJECTS_A_FRAME: Final = 16
"""A frame with every channel holds twelve objects: itself, two times a set of four tyres, and the brakes."""
_BLOCK: Final = 1 << 18
_MAX_STRING: Final = 256
"""Bytes; the longest that a frame has, a timestamp, is of some 30."""

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
    return checked_lap(lap_id, session, lap_time, _frames(envelope.lap.frames, limits))


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
            return adapter.validate_json(piece_of(raw, loc))
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


def _frames(raw: msgspec.Raw, limits: PayloadLimits) -> pa.RecordBatch:
    _check_count(raw, limits)
    columns = read_columns(raw) if _is_plain(raw) else None
    if columns is None:
        # Here, where nothing holds the whole text and its columns any more.
        return read_frames(raw)
    return canonical_frames(columns, len(columns["timestamp"]))


def _check_count(raw: msgspec.Raw, limits: PayloadLimits) -> None:
    """Count the frames before anything is made of them: three bytes, `{},`, become half a kilobyte of columns.

    Raises:
        PayloadTooLargeError: more frames than allowed, or more objects than so many frames hold.
        InvalidLapError: not a list of objects.
    """
    text = np.frombuffer(raw, np.uint8)
    braces = sum(int(np.count_nonzero(text[at : at + _BLOCK] == ord("{"))) for at in range(0, len(text), _BLOCK))
    allowed = _OBJECTS_A_FRAME * limits.frames
    if braces > allowed:
        raise PayloadTooLargeError("the number of JSON objects in the frames", braces, allowed)
    try:
        count = len(_OBJECT_LIST.decode(raw))
    except msgspec.DecodeError as error:
        raise InvalidLapError([ErrorDetail(("lap", "frames"), f"must be a list of frames: {error}")]) from error
    if count > limits.frames:
        raise PayloadTooLargeError("the number of frames", count, limits.frames)


def _is_plain(raw: msgspec.Raw) -> bool:
    """Whether the frames are for pyarrow: it makes several copies of every value before anybody looks at them.

    Every string is short, and no value of another kind is long: there is a quote at least every `_MAX_STRING` bytes, as
    there is where each number has a name. A backslash could stand before one that ends no string, so there is none.
    """
    text = np.frombuffer(raw, np.uint8)
    last = 0
    for at in range(0, len(text), _BLOCK):
        block = text[at : at + _BLOCK]
        if (block == ord("\\")).any():
            return False
        quotes = np.flatnonzero(block == ord('"'))
        if not quotes.size:
            return len(text) <= _MAX_STRING
        if at + int(quotes[0]) - last > _MAX_STRING or np.diff(quotes).max(initial=0) > _MAX_STRING:
            return False
        last = at + int(quotes[-1])
    return len(text) - last <= _MAX_STRING
