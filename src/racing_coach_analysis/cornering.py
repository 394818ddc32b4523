"""How the car went round a corner."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, mean, most
from racing_coach_analysis.motion import GRAVITY, Motion
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Corner
from racing_coach_analysis.window import Window

_TURNED_IN: Final = 0.2
"""Share of the corner's largest steering angle (or curvature) at which the car has turned in."""

_DEAD_BAND: Final = 0.03
"""Share of the corner's range of steering within which a movement is no reversal."""

_BALANCE_LATERAL: Final = 0.25 * GRAVITY
_BALANCE_MPS: Final = 5.0
"""Below these, attitude velocity is noise (Segers, as below)."""


@dataclass(frozen=True, slots=True)
class Cornering:
    """Speed, line and balance in one corner. Places are metres from the line; None is what the channels do not tell.

    Attributes:
        entry_speed, min_speed, apex_speed, exit_speed: at the corner's start, at the slowest, at its apex and at its
            end, m/s.
        min_speed_m: where it was slowest.
        turn_in_m: where the car turns in.
        apex_m: where this lap's line is tightest: the centroid of curvature, which stays where it is when the place of
            the minimum speed wanders.
        lateral_peak, lateral_mean: lateral acceleration without its sign, m/s²; the mean is over where it is more than
            0.25 g.
        steering_peak: largest steering angle without its sign, rad.
        reversals_per_s: how often the wheel changes its direction, 1/s.
        gear: at the apex.
        balance: attitude velocity, rad/s: yaw rate minus lateral acceleration over speed, positive into the corner.
            More than the reference's means more oversteer, less means more understeer (J. Segers, "Analysis Techniques
            for Racecar Data Acquisition", 2nd edition, SAE 2014).
    """

    entry_speed: float | None = None
    min_speed: float | None = None
    min_speed_m: float | None = None
    apex_speed: float | None = None
    exit_speed: float | None = None
    turn_in_m: float | None = None
    apex_m: float | None = None
    lateral_peak: float | None = None
    lateral_mean: float | None = None
    steering_peak: float | None = None
    reversals_per_s: float | None = None
    gear: int | None = None
    balance: float | None = None


def cornering(trace: Trace, motion: Motion, corner: Corner, window: Window) -> Cornering:
    """Measure how the car went round one corner."""
    inside = slice(window.start, window.stop + 1)
    sign = _direction(corner, motion, inside)
    apex = _apex(motion, window, sign)
    lateral = None if motion.lateral is None else np.abs(motion.lateral[inside])
    steering = trace.channels.get("steering_angle")
    speed = trace.channels.get("speed")
    slowest = None
    if speed is not None and np.isfinite(speed[inside]).any():
        slowest = window.start + int(np.nanargmin(speed[inside]))
    at_apex = window.apex if apex is None else round(apex)
    gear = _at(trace.channels.get("gear"), at_apex)
    return Cornering(
        entry_speed=_at(speed, window.start),
        min_speed=_at(speed, slowest),
        min_speed_m=None if slowest is None else slowest * trace.step_m,
        apex_speed=_at(speed, at_apex),
        exit_speed=_at(speed, window.end),
        turn_in_m=_turn_in(trace, motion, window, sign),
        apex_m=None if apex is None else apex * trace.step_m,
        lateral_peak=None if lateral is None else most(lateral),
        lateral_mean=None if lateral is None else mean(lateral[lateral > _BALANCE_LATERAL]),
        steering_peak=None if steering is None else most(np.abs(steering[inside])),
        reversals_per_s=None if steering is None else _reversals(steering[inside], trace, window),
        gear=None if gear is None else round(gear),
        balance=_balance(trace, inside, sign),
    )


def _at(values: Floats | None, index: int | None) -> float | None:
    if values is None or index is None or not np.isfinite(values[index]):
        return None
    return float(values[index])


def _direction(corner: Corner, motion: Motion, inside: slice) -> float | None:
    """1 for a left turn, -1 for a right turn, None where neither the map nor the lap tells."""
    if corner.direction is not None:
        return 1.0 if corner.direction == "left" else -1.0
    turned = None if motion.curvature is None else mean(motion.curvature[inside])
    return float(np.sign(turned)) if turned else None


def _apex(motion: Motion, window: Window, sign: float | None) -> float | None:
    """Index of the centroid of curvature, in between of places."""
    if motion.curvature is None or sign is None:
        return None
    bend = np.maximum(np.nan_to_num(sign * motion.curvature[window.start : window.end + 1]), 0.0)
    total = float(bend.sum())
    return window.start + float((np.arange(len(bend)) * bend).sum()) / total if total > 0 else None


def _turn_in(trace: Trace, motion: Motion, window: Window, sign: float | None) -> float | None:
    """Going back from where it steers most, the first place at which it steers less than `_TURNED_IN` of that."""
    wheel = trace.channels.get("steering_angle")
    turning = motion.curvature if wheel is None else wheel
    if turning is None or sign is None:
        return None
    before = sign * turning[window.search : window.apex + 1]
    if not np.isfinite(before).all():
        return None
    largest = int(np.argmax(before))
    below = np.flatnonzero(before[:largest] < _TURNED_IN * before[largest])
    return (window.search + int(below[-1]) + 1) * trace.step_m if len(below) else None


def _reversals(steering: Floats, trace: Trace, window: Window) -> float | None:
    """Changes of direction by more than a dead band, per second (steering reversal rate, SAE J2944, 2015)."""
    known = steering[np.isfinite(steering)]
    duration = float(trace.time_s[window.stop] - trace.time_s[window.start])
    if len(known) < 3 or duration <= 0:  # noqa: PLR2004 - a reversal takes three values
        return None
    band = _DEAD_BAND * float(known.max() - known.min())
    slope = np.diff(known)
    turning = 1 + np.flatnonzero(slope[1:] * slope[:-1] < 0)
    count, last, heading = 0, float(known[0]), 0.0
    for value in (*known[turning].tolist(), float(known[-1])):
        moved = value - last
        if heading * moved > 0:
            last = value
        elif abs(moved) > band:
            count += int(heading != 0)
            last, heading = value, float(np.sign(moved))
    return count / duration


def _balance(trace: Trace, inside: slice, sign: float | None) -> float | None:
    channels = trace.channels
    if sign is None or not {"yaw_rate", "lateral_acceleration", "speed"} <= set(channels):
        return None
    speed, lateral = channels["speed"][inside], channels["lateral_acceleration"][inside]
    loud = (np.abs(lateral) > _BALANCE_LATERAL) & (speed > _BALANCE_MPS)
    return mean(sign * (channels["yaw_rate"][inside][loud] - lateral[loud] / speed[loud]))
