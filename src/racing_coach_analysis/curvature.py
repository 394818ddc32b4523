"""How a lap bends: change of heading over distance, from whatever channel tells it."""

from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, smoothed
from racing_coach_analysis.geometry import Path
from racing_coach_analysis.trace import Trace

CHORD_M: Final = 16.0
_CHORD_OF_LAP: Final = 1 / 150
"""Heading is that of a chord of this length, on a kart track of this part of the lap: shorter ones show the jitter of
coordinates, longer ones cut hairpins."""

_SLOWEST_MPS: Final = 3.0
"""Below this, a rate divided by speed says nothing."""


def curvature(trace: Trace) -> Floats | None:
    """Curvature of the driven line on the trace's grid, rad/m, positive to the left; NaN where not known.

    From the first of these that the lap has:

    - the path: change of the heading of chords of `CHORD_M`, over the way;
    - yaw rate over speed, r / v, which is the curvature while the car does not change its slip angle;
    - lateral acceleration over squared speed, a / v² (both: J. Segers, "Analysis Techniques for Racecar Data
      Acquisition", 2nd edition, SAE 2014).

    Returns:
        None where the lap has none of them.
    """
    width = max(round(min(CHORD_M, _CHORD_OF_LAP * trace.length_m) / trace.step_m), 2)
    if trace.path is not None:
        return _of_path(trace.path, width // 2)
    speed = trace.channels.get("speed")
    if speed is None:
        return None
    moving = np.where(speed > _SLOWEST_MPS, speed, np.nan)
    if "yaw_rate" in trace.channels:
        return _smoothed_known(trace.channels["yaw_rate"] / moving, width)
    if "lateral_acceleration" in trace.channels:
        return _smoothed_known(trace.channels["lateral_acceleration"] / moving**2, width)
    return None


def _of_path(path: Path, half: int) -> Floats:
    """Change of heading over the way.

    The two ends of a lap need not meet: the car crosses the line at another point of its width each time. So no chord
    reaches over the line, and the last value within the lap stands for the half chord beside it.

    Args:
        path: of the lap.
        half: half a chord, in steps of the grid.
    """
    way = path.x_m + 1j * path.y_m
    chords = way[2 * half :] - way[: -2 * half]
    turned = np.angle(chords[2:] * np.conj(chords[:-2]))
    inner = turned / np.maximum((np.abs(way[2:] - way[:-2]))[half:-half], 1e-6)
    return _smoothed_known(np.pad(inner, half + 1, mode="edge"), half)


def _smoothed_known(values: Floats, width: int) -> Floats:
    """Running mean; where a value is not known, the mean is not known either."""
    known = np.isfinite(values)
    if known.all():
        return smoothed(values, width)
    mean = smoothed(np.where(known, values, 0.0), width)
    return np.where(known, mean, np.nan)
