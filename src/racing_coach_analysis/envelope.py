"""What a car can do, from what it has done: its largest accelerations by direction and speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, Indices
from racing_coach_analysis.motion import Motion, motion_of
from racing_coach_analysis.trace import Trace

_DIRECTIONS: Final = 9
"""Sectors of half the friction circle; left and right are one, as the car is. An odd number, so that pure cornering is
in the middle of one."""

_SPEED_STEP_MPS: Final = 10.0
_SPEEDS: Final = 12
_QUANTILE: Final = 0.98
"""A little below the largest: kerbs and bumps show up as accelerations that no tyre gave."""

_FEWEST: Final = 20
"""Fewer places than these make no quantile of 98 %."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The largest acceleration that a car was seen to reach, its 98 % quantile.

    Attributes:
        limit: m/s², by steps of speed of 10 m/s (rows) and by direction from full braking over cornering to full
            acceleration (columns); NaN where the car was too seldom.
    """

    limit: Floats


def envelope_of(traces: Sequence[Trace]) -> Envelope | None:
    """The envelope of the car that drove these laps; None where they do not tell accelerations and speed.

    Method of the g-g-v diagram (W. F. Milliken, D. L. Milliken, "Race Car Vehicle Dynamics", SAE 1995, chapter 9).
    """
    cells, sizes = [], []
    for trace in traces:
        found = _cells(trace, motion_of(trace))
        if found is not None:
            cells.append(found[0])
            sizes.append(found[1])
    if not cells:
        return None
    cell, size = np.concatenate(cells), np.concatenate(sizes)
    used = np.isfinite(size)
    cell, size = cell[used], size[used]
    order = np.lexsort((size, cell))
    cell, size = cell[order], size[order]
    starts = np.searchsorted(cell, np.arange(_SPEEDS * _DIRECTIONS + 1))
    counts = np.diff(starts)
    limit = np.full(_SPEEDS * _DIRECTIONS, np.nan)
    enough = counts >= _FEWEST
    limit[enough] = size[starts[:-1][enough] + (_QUANTILE * (counts[enough] - 1)).astype(np.intp)]
    return Envelope(limit.reshape(_SPEEDS, _DIRECTIONS))


def grip_used(trace: Trace, motion: Motion, envelope: Envelope) -> Floats | None:
    """Share of the envelope that was used at each place of the trace's grid; NaN where the envelope does not tell.

    Returns:
        None where the lap does not tell accelerations and speed.
    """
    found = _cells(trace, motion)
    return None if found is None else found[1] / envelope.limit.reshape(-1)[found[0]]


def _cells(trace: Trace, motion: Motion) -> tuple[Indices, Floats] | None:
    """Which cell of the envelope each place belongs to, and the size of the acceleration there."""
    speed = trace.channels.get("speed")
    if speed is None or motion.lateral is None or motion.longitudinal is None:
        return None
    across, along = np.abs(motion.lateral), motion.longitudinal
    size = np.hypot(across, along)
    known = np.isfinite(size) & np.isfinite(speed)
    direction = np.arctan2(along, across) / np.pi + 0.5  # 0 for full braking, 1 for full acceleration
    place = np.minimum(np.where(known, direction, 0.0) * _DIRECTIONS, _DIRECTIONS - 1).astype(np.intp)
    pace = np.minimum(np.where(known, speed, 0.0) / _SPEED_STEP_MPS, _SPEEDS - 1).astype(np.intp)
    return pace * _DIRECTIONS + place, np.where(known, size, np.nan)
