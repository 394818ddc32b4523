"""One lap in memory: the session it belongs to and its frames as Arrow columns."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column, null_column
from racing_coach_core.channels import CHANNELS, LAP_SCHEMA, Channel
from racing_coach_core.frames import SessionFrame


@dataclass(frozen=True, slots=True)
class Lap:
    """One finished lap.

    Attributes:
        lap_id: the lap's identity; the rig makes it, or it follows from session and lap number.
        session: the driving session.
        lap_time: seconds, None when unknown.
        frames: canonical columns (`LAP_SCHEMA`), one row a frame, at least one row.
        made_of: the columns of `frames`, where they are at hand: asked for them, pyarrow makes all of them anew.
    """

    lap_id: uuid.UUID
    session: SessionFrame
    lap_time: float | None
    frames: pa.RecordBatch
    # Of these frames and no others: `dataclasses.replace` does not hand it on.
    made_of: Sequence[Column] = field(default=(), init=False, repr=False, compare=False)

    @classmethod
    def of_columns(
        cls,
        lap_id: uuid.UUID,
        session: SessionFrame,
        lap_time: float | None,
        frames: pa.RecordBatch,
        columns: Sequence[Column],
    ) -> Self:
        """A lap that keeps at hand the columns of which its frames were made."""
        lap = cls(lap_id, session, lap_time, frames)
        object.__setattr__(lap, "made_of", tuple(columns))
        return lap

    @property
    def lap_number(self) -> int:
        """The lap's number within its session; every frame of a valid lap has the same."""
        number = self.frames.column("lap_number")[0].as_py()
        assert isinstance(number, int)
        return number


def frames_from_columns(columns: Mapping[str, Any], rows: int) -> pa.RecordBatch:
    """Build canonical frames from whatever columns a source has.

    Args:
        columns: channel name to an array-like of `rows` values (numpy, list or Arrow array).
            A numpy float array may use NaN for "no value" in an optional channel.
        rows: number of frames.

    Returns:
        A batch with `LAP_SCHEMA`; channels that are not in `columns` are null.

    Raises:
        KeyError: a column that is no channel.
        pyarrow.ArrowInvalid: a value that does not fit the channel's type.
    """
    unknown = set(columns) - set(LAP_SCHEMA.names)
    if unknown:
        raise KeyError(f"not a channel: {', '.join(sorted(unknown))}")
    arrays = [_column(channel, values) for channel, values in every_channel(columns, rows)]
    return pa.RecordBatch.from_arrays(arrays, schema=LAP_SCHEMA)


def every_channel(columns: Mapping[str, Any], rows: int) -> Iterator[tuple[Channel, Any]]:
    """All channels with their values, in the order of `LAP_SCHEMA`; what is not in `columns` is null in every row."""
    for channel in CHANNELS:
        values = columns.get(channel.name)
        yield channel, null_column(rows, channel.type) if values is None else values


def _column(channel: Channel, values: Any) -> Column:
    if not isinstance(values, pa.Array):
        nan_is_null = isinstance(values, np.ndarray) and values.dtype.kind == "f" and not channel.required
        values = pa.array(values, from_pandas=nan_is_null)
    return cast("Column", values.cast(channel.type))
