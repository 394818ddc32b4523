"""What makes two laps the same is defined column by column; that it is computed for many at once changes nothing."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from tests.laps import make_lap
from tests.server.telemetry.channel_values import values

from racing_coach_core.channels import CHANNELS, LAP_SCHEMA
from racing_coach_core.content import content_sha256


def defined(lap_time: float | None, frames: pa.RecordBatch) -> bytes:
    """Lap time and number of frames, then of every column that has a value: name and type, where it has none, values."""
    digest = hashlib.sha256(f"{lap_time!r} {frames.num_rows}\n".encode())
    for field, column in zip(frames.schema, frames.columns, strict=True):
        if column.null_count == len(column):
            continue
        digest.update(f"{field.name} {field.type}\n".encode())
        if column.null_count:
            digest.update(np.packbits([value.is_valid for value in column]).tobytes())
        kind = pa.int64() if pa.types.is_timestamp(field.type) else field.type
        numbers = column.view(kind).to_numpy(zero_copy_only=False) if kind != field.type else column
        plain = [0 if value is None else value for value in pa.array(numbers).to_pylist()]
        values_of = np.array(plain, np.dtype(kind.to_pandas_dtype()))
        digest.update((values_of + 0.0 if values_of.dtype.kind == "f" else values_of).tobytes())
    return digest.digest()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [8, 481])
def test_the_hash_is_as_it_is_defined(seed: int, rows: int) -> None:
    """With nulls here and there, extremes, and minus zero, which counts as zero."""
    chance = np.random.default_rng(seed)
    frames = pa.RecordBatch.from_arrays([values(channel, rows, chance) for channel in CHANNELS], schema=LAP_SCHEMA)

    assert content_sha256(88.8, frames) == defined(88.8, frames)


def test_a_channel_without_a_value_does_not_count() -> None:
    """A lap that lacks a channel stays the same when the channel is invented."""
    lap = make_lap(20)

    assert content_sha256(None, lap.frames) == defined(None, lap.frames)
    assert content_sha256(None, lap.frames) != content_sha256(1.0, lap.frames)
