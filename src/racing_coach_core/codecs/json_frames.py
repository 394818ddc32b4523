"""The frames of a JSON lap, as pydantic reads them: one by one, naming the frame and the value that is wrong."""

from typing import Final

import msgspec
import pyarrow as pa
from pydantic import ValidationError

from racing_coach_core.codecs.reports import details_of
from racing_coach_core.exceptions import ErrorDetail, InvalidLapError
from racing_coach_core.frame_columns import columns_of
from racing_coach_core.frames import TelemetryFrame
from racing_coach_core.validation import MAX_ERRORS

MAX_FRAMES: Final = 10_000
"""Each takes a tenth of a millisecond, in which nothing else runs: a second in all, for 166 s of driving."""
_TOO_MANY: Final = (
    f"somewhere holds what only a look at each frame can judge, such as a key that is there twice; that is done for up "
    f"to {MAX_FRAMES:,} frames, found {{count:,}}"
)
_CHUNK: Final = 1_000
_MAX_PIECE: Final = 1 << 20
"""Bytes. The largest part of a document that pydantic gets to see: it makes 270 bytes of every `[]`, ignored or not."""

_FRAME_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_frames(raw: msgspec.Raw) -> pa.RecordBatch:
    """Validate each frame of a list by itself, a thousand at a time, so that memory stays bounded.

    Raises:
        InvalidLapError: says what is wrong where.
    """
    pieces = _FRAME_LIST.decode(raw)
    errors: list[ErrorDetail] = []
    batches: list[pa.RecordBatch] = []
    # Of too many the first are looked at all the same: most often one of them has what is wrong with all.
    is_too_many = len(pieces) > MAX_FRAMES
    for start in range(0, _CHUNK if is_too_many else len(pieces), _CHUNK):
        chunk = [_frame(pieces[i], i, errors) for i in range(start, min(start + _CHUNK, len(pieces)))]
        if len(errors) >= MAX_ERRORS:
            break
        batches.append(columns_of([frame for frame in chunk if frame is not None]))
    if errors:
        raise InvalidLapError(errors[:MAX_ERRORS])
    if is_too_many:
        raise InvalidLapError([ErrorDetail(("lap", "frames"), _TOO_MANY.format(count=len(pieces)))])
    if not batches:
        raise InvalidLapError([ErrorDetail(("lap", "frames"), "must hold at least one frame")])
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _frame(piece: msgspec.Raw, index: int, errors: list[ErrorDetail]) -> TelemetryFrame | None:
    if len(errors) >= MAX_ERRORS:
        return None
    try:
        return TelemetryFrame.model_validate_json(piece_of(piece, ("lap", "frames", index)))
    except ValidationError as error:
        errors.extend(details_of(error, ("lap", "frames", index)))
    except InvalidLapError as error:
        errors.extend(error.errors)
    return None


def piece_of(raw: msgspec.Raw, loc: tuple[str | int, ...]) -> bytes:
    """A part of the document for pydantic.

    Raises:
        InvalidLapError: too large for it.
    """
    size = len(memoryview(raw))
    if size > _MAX_PIECE:
        raise InvalidLapError([ErrorDetail(loc, f"may take at most {_MAX_PIECE:,} bytes, takes {size:,}")])
    return bytes(raw)
