"""Values for every channel: the ends of what it can hold, then anything."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from racing_coach_core.channels import Channel


def values(channel: Channel, rows: int, chance: np.random.Generator) -> pa.Array:
    """The ends of what a channel can hold, then anything, some of it null where that may be."""
    if pa.types.is_timestamp(channel.type):
        ends = [0, int(datetime(2199, 12, 31, tzinfo=UTC).timestamp() * 1e6)]
        drawn = pa.array([*ends, *chance.integers(*ends, rows - 2)], pa.int64()).cast(channel.type)
    elif pa.types.is_boolean(channel.type):
        drawn = pa.array(chance.random(rows) < 0.5)
    elif pa.types.is_integer(channel.type):
        assert channel.minimum is not None
        assert channel.maximum is not None
        ends = [channel.minimum, channel.maximum]
        drawn = pa.array([*ends, *chance.integers(*ends, rows - 2, endpoint=True)], channel.type)
    else:
        drawn = pa.array(_floats(np.dtype(channel.type.to_pandas_dtype()), rows, chance), channel.type)
    if channel.required:
        return drawn
    return pc.if_else(pa.array(chance.random(rows) < 0.8), drawn, pa.scalar(None, channel.type))


def _floats(kind: np.dtype[Any], rows: int, chance: np.random.Generator) -> np.ndarray[Any, Any]:
    """Zeros, denormals, the largest, and random bits that are a finite number."""
    info = np.finfo(kind)
    ends = np.array([0.0, -0.0, info.smallest_subnormal, -info.tiny, info.max, info.min, 1 / 3], kind)
    drawn = np.frombuffer(chance.bytes(4 * rows * kind.itemsize), kind)
    return np.concatenate([ends, drawn[np.isfinite(drawn)]])[:rows]


def same(found: list[Any], sent: pa.Array) -> bool:
    if pa.types.is_floating(sent.type):
        kind = np.float32 if sent.type == pa.float32() else np.float64
        both = [np.array([np.nan if v is None else v for v in column], kind) for column in (found, sent.to_pylist())]
        nulls = [value is None for value in found] == [value is None for value in sent.to_pylist()]
        return nulls and both[0].tobytes() == both[1].tobytes()
    return found == sent.to_pylist()
