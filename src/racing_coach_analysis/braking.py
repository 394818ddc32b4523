"""What the brake pedal did on the way into a corner."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import crossing, least, most
from racing_coach_analysis.motion import GRAVITY, Motion
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.window import PRESSED, Window

_FULL: Final = 0.9
"""From the first to the last place at this share of the peak, the brake is fully on."""

_TURNING: Final = 0.25 * GRAVITY
"""Lateral acceleration above which a car that brakes is trail braking."""


@dataclass(frozen=True, slots=True)
class Braking:
    """The brake's use for one corner: the hardest application that was for it. Places are metres from the line.

    All is None where there is no brake channel. Where the driver does not brake for this corner, `peak` is what the
    pedal shows and the rest is None.

    Attributes:
        onset_m: where the pedal goes down; None also where it was down when the lap began.
        peak: hardest pressure, 0 to 1.
        peak_m: where.
        build_up_s: from the onset to nine tenths of the peak, s.
        release_m: where the pedal is up again.
        release_s: from the last place at nine tenths of the peak until it is up, s.
        release_jerk: how fast deceleration falls off meanwhile, m/s³, 0 or more ("delta brake", the derivative of
            deceleration, datamc.org); None without acceleration or speed.
        trail_m, trail_s: how far and how long the car brakes while it turns with more than 0.25 g; None where nothing
            tells lateral acceleration.
        deceleration: the strongest, m/s².
    """

    onset_m: float | None = None
    peak: float | None = None
    peak_m: float | None = None
    build_up_s: float | None = None
    release_m: float | None = None
    release_s: float | None = None
    release_jerk: float | None = None
    trail_m: float | None = None
    trail_s: float | None = None
    deceleration: float | None = None


def braking(trace: Trace, motion: Motion, window: Window) -> Braking:
    """Measure the braking for one corner."""
    pedal = trace.channels.get("brake")
    if pedal is None:
        return Braking()
    if window.braking is None:
        before = pedal[window.search : window.apex + 1]
        return Braking(peak=most(before[before <= PRESSED]))
    start, end = window.braking
    peak_at = start + int(np.nanargmax(pedal[start:end]))
    peak = float(pedal[peak_at])
    full = start + np.flatnonzero(pedal[start:end] >= _FULL * peak)
    time, step = trace.time_s, trace.step_m
    onset = crossing(pedal, start, PRESSED)
    known_onset = start > 0  # else the pedal was down already
    build_up = time[full[0]] - np.interp(onset, (start - 1, start), time[[start - 1, start]]) if known_onset else None
    return Braking(
        onset_m=onset * step if known_onset else None,
        peak=peak,
        peak_m=peak_at * step,
        build_up_s=None if build_up is None else float(build_up),
        release_m=crossing(pedal, min(end, len(pedal) - 1), PRESSED) * step,
        release_s=float(time[min(end, len(time) - 1)] - time[full[-1]]),
        release_jerk=_release_jerk(motion, trace, int(full[-1]), end),
        **_trail(motion, trace, start, end),
        deceleration=_negated(least(motion.longitudinal[start:end]) if motion.longitudinal is not None else None),
    )


def _release_jerk(motion: Motion, trace: Trace, start: int, end: int) -> float | None:
    end = min(end, len(trace.time_s) - 1)
    if motion.longitudinal is None or end <= start:
        return None
    slower, faster = float(motion.longitudinal[start]), float(motion.longitudinal[end])
    jerk = (faster - slower) / float(trace.time_s[end] - trace.time_s[start])
    return max(jerk, 0.0) if np.isfinite(jerk) else None


def _trail(motion: Motion, trace: Trace, start: int, end: int) -> dict[str, float | None]:
    if motion.lateral is None:
        return {"trail_m": None, "trail_s": None}
    turning = (np.abs(motion.lateral[start:end]) > _TURNING) & (trace.channels["brake"][start:end] > PRESSED)
    return {
        "trail_m": float(np.count_nonzero(turning)) * trace.step_m,
        "trail_s": float(motion.dwell_s[start:end][turning].sum()),
    }


def _negated(value: float | None) -> float | None:
    return None if value is None else -value
