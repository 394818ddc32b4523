"""Habits: what a driver does at one corner on every lap.

With them, what a coach says of a lap can be held against what is true. A habit only ever slows the car, and nothing
else about the lap changes: what it costs is the difference of two integrals of ds / v.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from racing_coach_rig.sources.simulation.arrays import Floats

_NEAR_M: Final = 60.0
"""How far from the middle of a corner its slowest point may be, m."""


class Fault(StrEnum):
    """What a driver does not as well as could be."""

    BRAKES_EARLY = "brakes early"
    LATE_ON_THROTTLE = "late on the throttle"


@dataclass(frozen=True, slots=True)
class Habit:
    """One fault at one corner.

    Attributes:
        corner: which of the track's corners, from 0, in the order of their apexes from the start/finish line.
        fault: what is done there.
        metres: how much too early, or too late.
    """

    corner: int
    fault: Fault
    metres: float


def with_habits(speed: Floats, habits: Sequence[Habit], *, apexes: Floats, distance: Floats, reach: int) -> Floats:
    """The speed of a driver who has habits.

    Args:
        speed: of the driver without them, m/s, at every point.
        habits: of the driver.
        apexes: distance of the middle of each corner, m; of the laps around this one too.
        distance: of the points, m, at equal steps.
        reach: how gently pedals move: half the width of the smoothing, points.

    Returns:
        Speed at the same points, nowhere higher.
    """
    step = float(distance[1] - distance[0])
    squares = speed**2
    slower = squares
    for habit in habits:
        shift = round(habit.metres / step)
        for apex in apexes[:, habit.corner]:
            if distance[0] + 2 * _NEAR_M < apex < distance[-1] - 2 * _NEAR_M:
                slower = np.minimum(slower, _with_fault(squares, habit.fault, _slowest(squares, distance, apex), shift))
    if slower is squares:
        return speed
    window = np.hanning(2 * reach + 3)[1:-1]
    lost = np.convolve(np.pad(squares - slower, reach, mode="edge"), window / window.sum(), mode="valid")
    result: Floats = np.sqrt(squares - lost)
    return result


def _slowest(squares: Floats, distance: Floats, apex: float) -> int:
    near = np.flatnonzero(np.abs(distance - apex) < _NEAR_M)
    return int(near[np.argmin(squares[near])])


def _with_fault(squares: Floats, fault: Fault, slowest: int, shift: int) -> Floats:
    """The squared speed with everything that one pedal does moved by some points, and the car rolling in between."""
    moved = squares.copy()
    if fault is Fault.BRAKES_EARLY:
        falling = np.flatnonzero(np.diff(squares[:slowest]) > 0)
        onset = int(falling[-1]) + 1 if len(falling) else 0
        first = max(onset - shift, 0)
        moved[first : slowest - shift] = squares[first + shift : slowest]
        moved[slowest - shift : slowest] = squares[slowest]
    else:
        rising = np.flatnonzero(np.diff(squares[slowest + 1 :]) < 0)
        end = slowest + 1 + int(rising[0]) if len(rising) else len(squares)
        last = min(end + shift, len(squares))
        moved[slowest : slowest + shift] = squares[slowest]
        moved[slowest + shift : last] = squares[slowest : last - shift]
    result: Floats = np.minimum(moved, squares)
    return result
