"""Columns of any origin to the canonical ones."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from racing_coach_core.arrow_types import Column, null_column, stretches
from racing_coach_core.channels import CHANNELS, LAP_SCHEMA, Channel
from racing_coach_core.exceptions import ErrorDetail, InvalidLapError
from racing_coach_core.lap import every_channel
from racing_coach_core.validation import MAX_ERRORS

_AT_ONCE: Final = 32
"""Columns that are looked at together: of the longest lap, 15 MB."""
_FLOATS: Final = {
    kind: [channel.name for channel in CHANNELS if channel.type == kind] for kind in (pa.float32(), pa.float64())
}
"""Channels of each kind of float."""


def canonical_frames(columns: Mapping[str, Column], rows: int) -> pa.RecordBatch:
    """The same as `canonical_columns`, as a batch."""
    return pa.RecordBatch.from_arrays(canonical_columns(columns, rows), schema=LAP_SCHEMA)


def canonical_columns(columns: Mapping[str, Column], rows: int) -> list[Column]:
    """Bring columns to the names and types of `LAP_SCHEMA`.

    A number that is not finite, or does not fit 32 bits where the channel has 32, becomes null in a channel
    that is not required: a broken sensor costs its own values and not the lap.

    Args:
        columns: channel name to values; what is missing becomes null, what is no channel is ignored.
        rows: number of frames.

    Returns:
        all channels, in the order of `LAP_SCHEMA`.

    Raises:
        InvalidLapError: a column of the wrong kind, an integer out of range, a required value that is
            missing or not finite.
    """
    arrays: list[Column] = []
    errors: list[ErrorDetail] = []
    sound = {name for kind, names in _FLOATS.items() for name in _all_finite(columns, kind, names)}
    for channel, column in every_channel(columns, rows):
        try:
            arrays.append(column if channel.name in sound else _canonical(channel, column))
        except InvalidLapError as error:
            errors += error.errors
    if errors:
        raise InvalidLapError(errors[:MAX_ERRORS])
    return arrays


def _all_finite(columns: Mapping[str, Column], kind: pa.DataType, channels: Sequence[str]) -> list[str]:
    """Of channels of this type those whose every value is finite, most often all.

    They are looked at together: for each by itself, numpy gives Python's lock away and waits for it again.
    """
    numbers = np.dtype(kind.to_pandas_dtype())
    there = [
        name
        for name in channels
        if (column := columns.get(name)) is not None and column.type == kind and not column.null_count
    ]
    found: list[str] = []
    for names in itertools.batched(there, _AT_ONCE, strict=False):
        if all(np.isfinite(some).all() for some in stretches([columns[name] for name in names], numbers)):
            found += names
    return found


def _canonical(channel: Channel, column: Column) -> Column:
    if channel.required and column.null_count:
        index = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise _error(channel, index, "is required")
    if pa.types.is_null(column.type):
        return null_column(len(column), channel.type)
    if pa.types.is_floating(channel.type):
        return _float(channel, column)
    if pa.types.is_integer(channel.type):
        return _integer(channel, column)
    if pa.types.is_timestamp(channel.type):
        return _timestamp(channel, column)
    return _boolean(channel, column)


def _error(channel: Channel, index: int | None, msg: str) -> InvalidLapError:
    where = ("lap", "frames") if index is None else ("lap", "frames", index)
    return InvalidLapError([ErrorDetail((*where, *channel.json_path), msg)])


def _wrong_kind(channel: Channel, column: Column, wanted: str) -> InvalidLapError:
    return _error(channel, None, f"must be {wanted}, the column is of type {column.type}")


def _float(channel: Channel, column: Column) -> Column:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise _wrong_kind(channel, column, "numbers")
    converted = column if column.type == channel.type else column.cast(channel.type, safe=False)
    # numpy takes a quarter of the time that Arrow's own kernels take to be called.
    if not converted.null_count and np.isfinite(converted.to_numpy()).all():
        return converted
    finite = pc.is_finite(converted)
    if pc.all(finite, min_count=0).as_py() is not False:
        return converted
    if not channel.required:
        return cast("Column", pc.if_else(finite, converted, pa.scalar(None, channel.type)))
    index = int(np.flatnonzero(~finite.to_numpy(zero_copy_only=False).astype(bool))[0])
    raise _error(channel, index, f"must be a finite number, got {column[index].as_py()}")


def _integer(channel: Channel, column: Column) -> Column:
    if not pa.types.is_integer(column.type):
        raise _wrong_kind(channel, column, "integers")
    low, high = _range(column)
    assert channel.minimum is not None  # as every integer channel has
    assert channel.maximum is not None
    if low is not None and high is not None and (low < channel.minimum or high > channel.maximum):
        values = column.to_numpy(zero_copy_only=False)
        index = int(np.flatnonzero((values < channel.minimum) | (values > channel.maximum))[0])
        raise _error(
            channel,
            index,
            f"must lie between {channel.minimum} and {channel.maximum}, got {column[index].as_py()}",
        )
    return column if column.type == channel.type else column.cast(channel.type)


def _range(column: Column) -> tuple[int, int] | tuple[None, None]:
    """The least and the greatest value, None where there is none."""
    if column.null_count or not len(column):
        found: Any = pc.min_max(column).as_py()
        return found["min"], found["max"]
    values = column.to_numpy()
    return int(values.min()), int(values.max())


def _timestamp(channel: Channel, column: Column) -> Column:
    if not pa.types.is_timestamp(column.type):
        raise _wrong_kind(channel, column, "timestamps")
    if column.type == channel.type:
        return column
    # With a time zone or without one, what is counted is the time since 1970 in UTC.
    instants = column.view(pa.int64()).view(pa.timestamp(column.type.unit))
    try:
        micros = instants.cast(pa.timestamp("us"), safe=column.type.unit != "ns")
    except pa.ArrowInvalid as error:
        raise _error(channel, None, f"is out of range: {error}") from error
    return micros.view(pa.int64()).view(channel.type)


def _boolean(channel: Channel, column: Column) -> Column:
    if not pa.types.is_boolean(column.type):
        raise _wrong_kind(channel, column, "true or false")
    return column
