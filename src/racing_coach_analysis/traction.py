"""What the throttle did through a corner and out of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, crossing, least, runs
from racing_coach_analysis.motion import Motion
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.window import PRESSED, Window

OPEN: Final = 0.1
"""The throttle counts as picked up above this."""

FULL: Final = 0.95
"""The throttle counts as full above this: pedals do not all reach their end."""

_CLOSED_S: Final = 0.1
"""A throttle closed for less than this was not closed; likewise, one open for less is the blip of a downshift."""

_LIFT_S: Final = 0.6
"""From full throttle to the brake, the foot takes no longer than this."""


@dataclass(frozen=True, slots=True)
class Traction:
    """The throttle's use in one corner. Places are metres from the line; None is what the channels do not tell.

    Attributes:
        flat_out: whether the throttle stayed full from start to end.
        least_throttle: the least of it between start and end, 0 to 1.
        pick_up_m: where the throttle opens for good; None where it was never closed, or not opened before the next
            corner.
        full_m: where it is full after that; likewise.
        pick_up_to_full_s: the time between these two, s.
        backed_off: how much of the throttle was taken back between them, in sum; 0 for one smooth movement.
        coast_s, coast_m: how long and how far neither pedal is used, from the search for the braking to the corner's
            end.
    """

    flat_out: bool | None = None
    least_throttle: float | None = None
    pick_up_m: float | None = None
    full_m: float | None = None
    pick_up_to_full_s: float | None = None
    backed_off: float | None = None
    coast_s: float | None = None
    coast_m: float | None = None


def traction(trace: Trace, motion: Motion, window: Window) -> Traction:
    """Measure the throttle's use in one corner."""
    pedal = trace.channels.get("throttle")
    if pedal is None:
        return Traction()
    lowest = least(_while_cornering(pedal, trace, window))
    pick_up = None if lowest is None or lowest >= FULL else _pick_up(pedal, trace, window)
    full = None if pick_up is None else _full(pedal, pick_up, window)
    step, time = trace.step_m, trace.time_s
    opening = None if pick_up is None or full is None else np.diff(pedal[pick_up : full + 1])
    brake = trace.channels.get("brake")
    coasting = None
    if brake is not None:
        before = slice(window.search, window.end + 1)
        coasting = (pedal[before] < PRESSED) & (brake[before] < PRESSED)
    return Traction(
        flat_out=None if lowest is None else lowest >= FULL,
        least_throttle=lowest,
        pick_up_m=None if pick_up is None else crossing(pedal, pick_up, OPEN) * step,
        full_m=None if full is None else crossing(pedal, full, FULL) * step,
        pick_up_to_full_s=None if pick_up is None or full is None else float(time[full] - time[pick_up]),
        backed_off=None if opening is None else float(np.maximum(-opening, 0.0).sum()),
        coast_s=None if coasting is None else float(motion.dwell_s[window.search : window.end + 1][coasting].sum()),
        coast_m=None if coasting is None else float(np.count_nonzero(coasting)) * step,
    )


def _while_cornering(pedal: Floats, trace: Trace, window: Window) -> Floats:
    """The throttle from the corner's start on, without the lift for the next corner's braking."""
    part = pedal[window.start : window.stop + 1]
    if window.stop == window.end:
        return part
    full = window.start + np.flatnonzero(part >= FULL)
    lifting = len(full) and trace.time_s[window.stop] - trace.time_s[full[-1]] <= _LIFT_S
    return pedal[window.start : full[-1] + 1] if lifting else part


def _pick_up(pedal: Floats, trace: Trace, window: Window) -> int | None:
    """Where the throttle opens after the last time that it was closed on the way to the apex.

    A driver who lifts but does not close it picks up from where it is least.
    """
    first = window.search
    part = pedal[first : window.reach + 1]
    apex = window.apex - first
    shut = [
        (start, end)
        for start, end in runs(part <= OPEN)
        if start <= apex and trace.time_s[min(first + end, len(pedal) - 1)] - trace.time_s[first + start] >= _CLOSED_S
    ]
    if shut:
        end = shut[-1][1]
        return first + end if end < len(part) else None
    return window.start + int(np.nanargmin(_while_cornering(pedal, trace, window)))


def _full(pedal: Floats, pick_up: int, window: Window) -> int | None:
    full = np.flatnonzero(pedal[pick_up : window.reach + 1] >= FULL)
    return pick_up + int(full[0]) if len(full) else None
