"""What the driver did between corners."""

from dataclasses import dataclass

import numpy as np

from racing_coach_analysis.arrays import most
from racing_coach_analysis.motion import Motion
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Segment
from racing_coach_analysis.traction import FULL
from racing_coach_analysis.window import PRESSED


@dataclass(frozen=True, slots=True)
class StraightMeasures:
    """One straight of one lap; None is what the channels do not tell.

    Attributes:
        segment_index: which of the map's segments it is.
        time_s: in it, s.
        entry_speed, top_speed, exit_speed: m/s.
        lift_s: how long the throttle was not full after it had been full and before the brakes came, s.
        lift_m: where that began first, metres from the line; None where the driver did not lift.
        coast_s: how long neither pedal was used, s.
        excluded: why all this says nothing of how it was driven, None when it does.
    """

    segment_index: int
    time_s: float
    entry_speed: float | None
    top_speed: float | None
    exit_speed: float | None
    lift_s: float | None
    lift_m: float | None
    coast_s: float | None
    excluded: Reason | None


def measure_straight(trace: Trace, motion: Motion, segment: Segment) -> StraightMeasures:
    """Measure one straight."""
    start, end = trace.index(segment.start_pct), trace.index(segment.end_pct)
    inside = slice(start, end + 1)
    speed = trace.channels.get("speed")
    lift_s, lift_at = _lift(trace, motion, inside)
    return StraightMeasures(
        segment_index=segment.index,
        time_s=trace.time_at(segment.end_pct) - trace.time_at(segment.start_pct),
        entry_speed=trace.value_at("speed", segment.start_pct),
        top_speed=None if speed is None else most(speed[inside]),
        exit_speed=trace.value_at("speed", segment.end_pct),
        lift_s=lift_s,
        lift_m=None if lift_at is None else (start + lift_at) * trace.step_m,
        coast_s=_coasting(trace, motion, inside),
        excluded=trace.excluded(segment.start_pct, segment.end_pct),
    )


def _lift(trace: Trace, motion: Motion, inside: slice) -> tuple[float | None, int | None]:
    throttle, brake = trace.channels.get("throttle"), trace.channels.get("brake")
    if throttle is None or brake is None:
        return None, None
    full = throttle[inside] >= FULL
    braked = np.flatnonzero(brake[inside] > PRESSED)
    # The foot leaves the throttle on its way to the brake: that is no lift.
    flat = np.flatnonzero(full[: braked[0]] if len(braked) else full)
    if not len(flat):
        return 0.0, None
    lifted = np.zeros(len(full), dtype=np.bool_)
    lifted[flat[0] : flat[-1]] = ~full[flat[0] : flat[-1]]
    return float(motion.dwell_s[inside][lifted].sum()), int(np.argmax(lifted)) if lifted.any() else None


def _coasting(trace: Trace, motion: Motion, inside: slice) -> float | None:
    throttle, brake = trace.channels.get("throttle"), trace.channels.get("brake")
    if throttle is None or brake is None:
        return None
    coasting = (throttle[inside] < PRESSED) & (brake[inside] < PRESSED)
    return float(motion.dwell_s[inside][coasting].sum())
