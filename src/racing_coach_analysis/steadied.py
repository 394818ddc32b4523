"""Takes out of a price what else the driver did otherwise on the way: a price of a gear holds the throttle that came
two metres late, too, though that is another action, measured by itself.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.causes import Cause

_BESIDE: Final[Mapping[Cause, tuple[str, ...]]] = {
    Cause.LOWER_GEAR: ("pick_up_m",),
    Cause.HIGHER_GEAR: ("pick_up_m",),
    Cause.THROTTLE_SMOOTHER: ("on_m",),
    Cause.CARRY_MORE_SPEED: ("pick_up_m", "onset_m"),
    Cause.WIDER_LINE: ("onset_m", "pick_up_m"),
    Cause.RELEASE_BRAKE_EARLIER: ("onset_m",),
}
"""Measures that cost time within the price of a cause and are not a part of it."""

_NOISE_S: Final = 0.015
"""Standard deviation of a price from lap to lap for all other reasons."""

_SLOPES: Final[Mapping[str, float]] = {"pick_up_m": 0.008, "on_m": 0.008, "onset_m": 0.006}
"""How much a metre may cost, s: standard deviation over corners, before anything is known of this one."""

_FARTHEST: Final[Mapping[str, float]] = {"pick_up_m": 8.0, "on_m": 8.0, "onset_m": 8.0}
"""What differs by more is no chance, and is not taken out beyond this, m."""


def steadied(worth: Floats, cause: Cause, done: Actions, usual: Flags) -> Floats:
    """Prices as if the other actions had been the reference's.

    What a metre of another action costs here is told by the driver's usual laps: ridge regression (A. Hoerl and
    R. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12 (1970)), so that few
    laps change little.

    Args:
        worth: price on each lap, s, the reference in row 0.
        cause: that is priced.
        done: by the driver on each lap.
        usual: laps that tell what is usual.
    """
    told = worth
    for name in _BESIDE.get(cause, ()):
        values: Floats = getattr(done, name)
        known = usual & np.isfinite(values)
        if known.sum() < 2 or not np.isfinite(values[0]):  # noqa: PLR2004 - one lap has no slope
            continue
        off, cost = values[known] - values[known].mean(), told[known] - told[known].mean()
        off = np.clip(off, -_FARTHEST[name], _FARTHEST[name])
        slope = float(off @ cost) / (float(off @ off) + (_NOISE_S / _SLOPES[name]) ** 2)
        away = np.clip(np.nan_to_num(values - values[0], nan=0.0), -_FARTHEST[name], _FARTHEST[name])
        told = told - slope * away
    return told
