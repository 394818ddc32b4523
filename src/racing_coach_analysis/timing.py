"""When a car was where: crossings of the line, and the official lap time."""

from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.place import Samples

_LAP_TIME_TOLERANCE_S: Final = 0.1
_LAP_TIME_TOLERANCE: Final = 0.002
"""How far an official lap time may be from the measured one. Further off it is another lap's: iRacing's
`LapLastLapTime` is late by some frames."""


def on_the_clock(
    lap: LapData, samples: Samples, pct: Floats, keep: Flags, length_m: float
) -> tuple[float, tuple[Floats, Floats]]:
    """The measured lap time, and the way from place to time since the line.

    A lap that has no sample on both sides of a crossing is continued at the speed it had (where there is no speed, at
    that between its two outermost samples).
    """
    place, time = pct[keep], samples.time_s[keep]
    speed = lap.channels["speed"][samples.index[keep]] if "speed" in lap.channels else np.full(len(place), np.nan)
    if place[0] > 0:
        pace = _pace(speed[0], place[:2], time[:2], length_m)
        place, time = np.append(0.0, place), np.append(time[0] - place[0] / pace, time)
    if place[-1] < 1:
        pace = _pace(speed[-1], place[-2:], time[-2:], length_m)
        place, time = np.append(place, 1.0), np.append(time, time[-1] + (1 - place[-1]) / pace)
    start, end = np.interp([0.0, 1.0], place, time)
    return float(end - start), (place, time - start)


def _pace(speed: float, place: Floats, time: Floats, length_m: float) -> float:
    """Parts of the lap a second."""
    if np.isfinite(speed) and speed > 1.0:
        return float(speed) / length_m
    return float((place[1] - place[0]) / (time[1] - time[0]))


def official(lap_time: float | None, measured: float) -> float:
    """The lap time that counts: the official one where it fits the measured one."""
    tolerance = max(_LAP_TIME_TOLERANCE_S, _LAP_TIME_TOLERANCE * measured)
    return lap_time if lap_time is not None and abs(lap_time - measured) <= tolerance else measured
