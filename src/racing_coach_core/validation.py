"""What makes columns a lap: one vectorised check for every encoding.

The error of each rule names the field, the frame and the value.
"""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import CHANNELS
from racing_coach_core.exceptions import ErrorDetail

MAX_ERRORS: Final = 10
"""A lap whose every frame is wrong is told the first ten reasons."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
MAX_SPAN_S: Final = 86_400
"""A lap is over within a day. Without this bound one lap could scatter over thousands of chunks."""

_EARLIEST_US, _LATEST_US = (int(moment.timestamp()) * 1_000_000 for moment in (EARLIEST, LATEST))
_MAX_SPAN_US: Final = MAX_SPAN_S * 1_000_000


def check_frames(frames: pa.RecordBatch) -> list[ErrorDetail]:
    """Hold canonical columns against the rules of a lap.

    Every required channel has a finite value in every frame; all frames are of one lap; the session time
    never runs backwards; the wall clock lies between 1970 and 2200 and moves less than a day.

    Args:
        frames: columns with the names and types of `LAP_SCHEMA`.

    Returns:
        The first `MAX_ERRORS` things that are wrong, none for a good lap.
    """
    errors: list[ErrorDetail] = []
    for channel in CHANNELS:
        if channel.required:
            errors += _check_required(channel.name, frames.column(channel.name))
    return errors[:MAX_ERRORS] or check_order(frames)


def check_order(frames: pa.RecordBatch) -> list[ErrorDetail]:
    """The same, of frames that have a finite value in every required channel."""
    if frames.num_rows == 0:
        return [ErrorDetail(("lap", "frames"), "must hold at least one frame")]
    return (_check_one_lap(frames) + _check_session_time(frames) + _check_timestamps(frames))[:MAX_ERRORS]


def _frame_error(index: int, field: str, msg: str) -> ErrorDetail:
    return ErrorDetail(("lap", "frames", index, field), msg)


def _check_required(name: str, column: Column) -> list[ErrorDetail]:
    if column.null_count:
        missing = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
        return [_frame_error(int(i), name, "is required") for i in missing[:MAX_ERRORS]]
    if not pa.types.is_floating(column.type):
        return []
    values = column.to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    return [_frame_error(int(i), name, f"must be a finite number, got {values[i]}") for i in bad[:MAX_ERRORS]]


def _check_one_lap(frames: pa.RecordBatch) -> list[ErrorDetail]:
    numbers = frames.column("lap_number").to_numpy()
    is_other = numbers != numbers[0]
    if not is_other.any():
        return []
    index = int(is_other.argmax())
    return [
        _frame_error(
            index,
            "lap_number",
            f"all frames must be of one lap: frame 0 is of lap {numbers[0]}, this one of lap {numbers[index]}",
        )
    ]


def _check_session_time(frames: pa.RecordBatch) -> list[ErrorDetail]:
    times = frames.column("session_time").to_numpy()
    runs_back = times[1:] < times[:-1]
    if not runs_back.any():
        return []
    index = int(runs_back.argmax()) + 1
    return [_frame_error(index, "session_time", f"runs backwards: {times[index]} s after {times[index - 1]} s")]


def _check_timestamps(frames: pa.RecordBatch) -> list[ErrorDetail]:
    stamps = frames.column("timestamp").view(pa.int64()).to_numpy()
    first, least, most = int(stamps[0]), int(stamps.min()), int(stamps.max())
    if least < _EARLIEST_US or most >= _LATEST_US:
        index = int(((stamps < _EARLIEST_US) | (stamps >= _LATEST_US)).argmax())
        return [_frame_error(index, "timestamp", f"must lie between 1970 and 2200, got {_show(frames, index)}")]
    if max(most - first, first - least) > _MAX_SPAN_US:
        index = int((np.abs(stamps - first) > _MAX_SPAN_US).argmax())
        return [_frame_error(index, "timestamp", f"is over a day from the first frame's: {_show(frames, index)}")]
    return []


def _show(frames: pa.RecordBatch, index: int) -> str:
    column = frames.column("timestamp").slice(index, 1)
    return str(pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")[0].as_py())
