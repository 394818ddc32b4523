"""The bends of a track, from its curvature all the way round: what is one, where it begins and ends, where it is
tightest, and by how much it turns.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, runs, smoothed

LEAST_TURN_RAD: Final = np.radians(13.0)
"""Less than this is how cars cross the track's width between corners (by up to 12 degrees on a real lap of the esses at
Road Atlanta), not the track."""

RELAXED: Final = 0.5

_SMOOTHED_M: Final = 48.0
_SMOOTHED_OF_LAP: Final = 1 / 50
"""Bends are told apart on curvature averaged over this, on a kart track over this part of the lap: a second or so, in
which a driver's corrections and the shifts within a lane cancel out."""

_LASTS: Final = 0.0005
"""Curvature down to which a bend goes on, rad/m: a radius of 2 km."""

_BEGINS: Final = 0.0008
"""Curvature that a bend has to reach to be a corner, rad/m: about half a g at 270 km/h, where such bends are."""

_EDGE: Final = 0.25
_TIGHTEST_EDGE: Final = 0.0022
"""A corner reaches to where curvature is down to a quarter of its peak, but not beyond `_LASTS`; a tight one to the
other."""

_FLAT: Final = 0.6
"""Curvature beyond this part of a bend's peak weighs no more in its apex: how a driver divides the turning within a
bend is theirs, where it begins and ends is the track's."""

_BESIDE_M: Final = 100.0
_MOST_BESIDE_M: Final = 200.0
"""Headings before and behind a bend are averaged over the one, and over up to the other where the track goes straight
on."""


@dataclass(frozen=True, slots=True)
class Bend:
    """A bend as indices of a closed grid, from a start that may be any; `turn` in rad, positive to the left."""

    start: int
    apex: float
    end: int
    turn: float


def bends_of(bend: Floats, step: float, *, least_turn: float = LEAST_TURN_RAD) -> list[Bend]:
    """All corners of a lap, in driving order.

    Args:
        bend: its curvature at equal steps all the way round, rad/m; the last value is followed by the first.
        step: from one value to the next, m.
        least_turn: bends that turn by less are left out, rad.
    """
    count = len(bend)
    width = min(_SMOOTHED_M, _SMOOTHED_OF_LAP * count * step)
    broad = smoothed(bend, round(width / step), closed=True)
    shift = int(np.argmin(np.abs(broad)))
    bend, broad = np.roll(bend, -shift), np.roll(broad, -shift)
    found = []
    for sign in (1.0, -1.0):
        tight, turning = sign * bend, sign * broad
        for first, end in runs(turning > _LASTS):
            for start, stop in _parted(turning[first:end] * step):
                one = _trimmed(tight, turning, first + start, first + stop)
                if one is not None and (turn := _turn(turning, first + start, first + stop, step)) >= least_turn:
                    found.append(Bend(one[0] + shift, one[1] + shift, one[2] + shift, sign * turn))
    return sorted(found, key=lambda one: one.apex % count)


def _turn(broad: Floats, start: int, end: int, step: float) -> float:
    """By how much a bend turns, rad: from the mean heading of the way before it to that of the way behind it.

    What a car that crosses the track's width just where a bend ends turns by, it turns back further on: over the length
    of a straight little of that is left.
    """
    most = min(round(_MOST_BESIDE_M / step), len(broad) // 4)
    before = np.take(broad, np.arange(start - 1, start - most - 1, -1), mode="wrap")
    behind = np.take(broad, np.arange(end, end + most), mode="wrap")
    least = min(round(_BESIDE_M / step), most)
    return float(broad[start:end].sum() + _beside(before, least) + _beside(behind, least)) * step


def _beside(away: Floats, least: int) -> float:
    """The mean change of heading over the way beside a bend, from the bend on, in steps of the grid.

    The weight of curvature fades over that way, which averages the heading; what bends there itself does not count. The
    way reaches to the next bend, but at least over so many steps, and not beyond what is given.
    """
    bent = np.flatnonzero(np.abs(away) > _LASTS)
    reach = max(int(bent[0]), least) if len(bent) else len(away)
    fading = np.arange(reach, 0, -1) / (reach + 1)
    return float(np.clip(away[:reach], -_LASTS, _LASTS) @ fading)


def _parted(turns: Floats) -> list[tuple[int, int]]:
    """Cut a bend in one direction where it relaxes.

    Args:
        turns: how far it turns from place to place, rad, all positive.
    """
    parts, uncut = [], [(0, len(turns))]
    while uncut:
        start, end = uncut.pop()
        place = _relaxes(turns[start:end])
        if place is None:
            parts.append((start, end))
        else:
            uncut += [(start + place, end), (start, start + place)]
    return parts


def _relaxes(turns: Floats) -> int | None:
    """Where a bend in one direction relaxes the most, so that it is two."""
    total = np.cumsum(turns)
    allowed = (total >= LEAST_TURN_RAD) & (total[-1] - total >= LEAST_TURN_RAD)
    if not allowed.any():
        return None
    before, after = np.maximum.accumulate(turns), np.maximum.accumulate(turns[::-1])[::-1]
    relaxed = np.where(allowed, turns / np.minimum(before, after), np.inf)
    place = int(np.argmin(relaxed))
    return place if relaxed[place] < RELAXED else None


def _trimmed(bend: Floats, broad: Floats, start: int, end: int) -> tuple[int, float, int] | None:
    """The start, apex and end of a corner within a bend; None where it is nowhere tight enough.

    The apex is the centroid of curvature between `_EDGE` and `_FLAT` of its peak.
    """
    peak = float(broad[start:end].max())
    if peak < _BEGINS:
        return None
    edge = min(max(_EDGE * peak, _LASTS), _TIGHTEST_EDGE)
    inside = start + np.flatnonzero(broad[start:end] >= edge)
    first, last = int(inside[0]), int(inside[-1]) + 1
    weight = np.clip(bend[first:last], _EDGE * peak, _FLAT * peak) - _EDGE * peak
    total = float(weight.sum())
    return (first, first + float((np.arange(len(weight)) * weight).sum()) / total, last) if total > 0 else None
