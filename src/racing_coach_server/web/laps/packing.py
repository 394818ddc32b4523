"""Columns as small as a page needs them: 16 bits a value, which no screen shows the difference of."""

import base64
from typing import Final, Literal

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_core.web_views import PackedColumn

_TYPES: Final = {"int16": "<i2", "int32": "<i4"}
_NONE: Final = {"int16": -(2**15), "int32": -(2**31)}
_HIGHEST: Final = {"int16": 2**15 - 1, "int32": 2**31 - 1}

_TIME_STEP_S: Final = 1e-4


def packed(values: Floats) -> PackedColumn | None:
    """A column in 65,535 steps from its lowest value to its highest; None if it has no value at all."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = float(known.min()), float(known.max())
    highest = _HIGHEST["int16"]
    offset = (low + high) / 2
    return _packed(values, "int16", scale=(high - low) / (2 * highest) or 1.0, offset=offset)


def packed_whole(values: Floats) -> PackedColumn | None:
    """A column of whole numbers, such as gears."""
    return _packed(values, "int16", scale=1.0, offset=0.0) if np.isfinite(values).any() else None


def packed_time(seconds: Floats) -> PackedColumn:
    """Times in steps of a tenth of a millisecond."""
    return _packed(seconds, "int32", scale=_TIME_STEP_S, offset=0.0)


def _packed(values: Floats, dtype: Literal["int16", "int32"], *, scale: float, offset: float) -> PackedColumn:
    highest = _HIGHEST[dtype]
    steps = np.clip(np.round((values - offset) / scale), -highest, highest)
    raw = np.where(np.isfinite(steps), steps, _NONE[dtype]).astype(_TYPES[dtype])
    return PackedColumn(dtype=dtype, scale=scale, offset=offset, data=base64.b64encode(raw.tobytes()).decode())
