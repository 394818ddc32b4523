"""Frames as pydantic objects to canonical columns and back: the slow way, for one frame at a time.

Laps are decoded from bytes to columns in `racing_coach_core.codecs`; only JSON that pyarrow refuses comes here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import CHANNELS, LAP_SCHEMA, Channel
from racing_coach_core.frames import TelemetryFrame


def columns_of(frames: Sequence[TelemetryFrame]) -> pa.RecordBatch:
    """Validated frames as a batch with `LAP_SCHEMA`, one row a frame."""
    arrays = [_column(channel, frames) for channel in CHANNELS]
    return pa.RecordBatch.from_arrays(arrays, schema=LAP_SCHEMA)


def _column(channel: Channel, frames: Sequence[TelemetryFrame]) -> Column:
    values = [_value(frame, channel.json_path) for frame in frames]
    if pa.types.is_floating(channel.type):
        # Through float64, as every other way takes: rounding twice could differ in the last bit.
        return pa.array(values, pa.float64()).cast(channel.type, safe=False)
    return pa.array(values, channel.type)


def _value(frame: TelemetryFrame, path: tuple[str, ...]) -> Any:
    value: Any = frame
    for name in path:
        if value is None:
            return None
        value = getattr(value, name)
    return value


def json_frames(frames: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Canonical columns as JSON TelemetryFrames, each channel at its `json_path`."""
    for row in frames.to_pylist():
        frame: dict[str, Any] = {}
        for channel in CHANNELS:
            _put(frame, channel.json_path, row[channel.name])
        yield frame


def _put(frame: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *parents, leaf = path
    for parent in parents:
        frame = frame.setdefault(parent, {})
    frame[leaf] = value
