"""Finds the corners of a track in the first good laps on it.

What a corner is, in figures: a bend in one direction that turns by at least `LEAST_TURN_RAD`, whether it is braked for
or taken flat out. Where a bend relaxes to less than `RELAXED` of its tighter parts on both sides, and each part turns
enough, the parts are corners of their own; so are the two directions of a chicane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats, runs, smoothed
from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_analysis.window import PRESSED

METHOD_VERSION: Final = 1
"""Goes up when laps give another map than before."""

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

_BEGINS: Final = 0.0012
"""Curvature that a bend has to reach to be a corner, rad/m: 0.7 g at 270 km/h, where such bends are."""

_EDGE: Final = 0.25
_TIGHTEST_EDGE: Final = 0.0022
"""A corner reaches to where curvature is down to a quarter of its peak, but not beyond `_LASTS`; a tight one to the
other."""

_BEFORE_BRAKING_M: Final = 30.0
"""A corner starts this far before the place where drivers brake for it: whoever brakes earlier still does so in it."""

_KNOWN: Final = 0.9
"""Part of a lap whose curvature has to be known."""


@dataclass(frozen=True, slots=True)
class _Bend:
    """A bend as indices of a closed grid, from a start that may be any; `turn` in rad, positive to the left."""

    start: int
    apex: float
    end: int
    turn: float


def find_corners(traces: Sequence[Trace]) -> TrackMap:
    """Find the corners that laps agree on: from the mean of the middle half of their curvatures, so that no one line
    decides.

    Laps without anything left out go first; the order of the laps changes nothing.

    Args:
        traces: laps of one track and configuration; three to ten are enough.

    Raises:
        NotALapError: no lap tells how the track bends.
    """
    length = float(np.median([trace.length_m for trace in traces])) if traces else 0.0
    grid = np.linspace(0.0, 1.0, round(length) + 1)
    whole = [trace for trace in traces if not trace.exclusions]
    lines = [line for line in (_curvature_on(grid, trace) for trace in whole or traces) if line is not None]
    if not lines:
        raise NotALapError(Reason.MISSING_CHANNELS, "no coordinates, yaw rate or lateral acceleration tell the corners")
    bend = _agreed(lines)[:-1]
    step = length / len(bend)
    bends = sorted(_bends(bend, step), key=lambda one: one.apex % len(bend))
    starts = _starts(bends, whole or list(traces), len(bend))
    ends = [_end(one, starts[(place + 1) % len(bends)], len(bend)) for place, one in enumerate(bends)]
    corners = tuple(
        Corner(
            number=number,
            name=None,
            start_pct=start % len(bend) / len(bend),
            apex_pct=one.apex % len(bend) / len(bend),
            end_pct=end % len(bend) / len(bend),
            direction="left" if one.turn > 0 else "right",
        )
        for number, (one, start, end) in enumerate(zip(bends, starts, ends, strict=True), start=1)
    )
    return TrackMap(corners, length, "found", METHOD_VERSION)


def _curvature_on(grid: Floats, trace: Trace) -> Floats | None:
    """A lap's curvature on a grid; None where too little of it is known. Short gaps are bridged by a straight line."""
    bend = curvature(trace)
    if bend is None:
        return None
    known = np.isfinite(bend)
    if np.count_nonzero(known) < _KNOWN * len(bend):
        return None
    return np.interp(grid, trace.pct[known], bend[known])


def _agreed(lines: Sequence[Floats]) -> Floats:
    """At each place the mean of what is left when the highest and lowest quarter of the laps are dropped: as steady as
    a mean where laps differ a little, and no lap that differs much moves it (J. W. Tukey's midmean).
    """
    ordered = np.sort(np.asarray(lines), axis=0)
    dropped = max(len(lines) // 4, int(len(lines) >= 3))  # noqa: PLR2004 - of three, the one in the middle
    agreed: Floats = ordered[dropped : len(lines) - dropped].mean(axis=0)
    return agreed


def _bends(bend: Floats, step: float) -> list[_Bend]:
    """All corners of a lap whose curvature is given all the way round."""
    count = len(bend)
    width = min(_SMOOTHED_M, _SMOOTHED_OF_LAP * count * step)
    broad = smoothed(bend, round(width / step), closed=True)
    shift = int(np.argmin(np.abs(broad)))
    bend, broad = np.roll(bend, -shift), np.roll(broad, -shift)
    found = []
    for sign in (1.0, -1.0):
        for first, end in runs(sign * broad > _LASTS):
            for start, stop in _parted(sign * broad[first:end] * step):
                one = _trimmed(sign * bend, sign * broad, first + start, first + stop)
                turn = float(broad[first + start : first + stop].sum()) * step
                if one is not None and abs(turn) >= LEAST_TURN_RAD:
                    found.append(_Bend(one[0] + shift, one[1] + shift, one[2] + shift, turn))
    return found


def _parted(turns: Floats) -> list[tuple[int, int]]:
    """Cut a bend in one direction where it relaxes.

    Args:
        turns: how far it turns from place to place, rad, all positive.
    """
    total = np.cumsum(turns)
    allowed = (total >= LEAST_TURN_RAD) & (total[-1] - total >= LEAST_TURN_RAD)
    if allowed.any():
        before, after = np.maximum.accumulate(turns), np.maximum.accumulate(turns[::-1])[::-1]
        relaxed = np.where(allowed, turns / np.minimum(before, after), np.inf)
        place = int(np.argmin(relaxed))
        if relaxed[place] < RELAXED:
            later = [(start + place, end + place) for start, end in _parted(turns[place:])]
            return [*_parted(turns[:place]), *later]
    return [(0, len(turns))]


def _trimmed(bend: Floats, broad: Floats, start: int, end: int) -> tuple[int, float, int] | None:
    """The start, apex and end of a corner within a bend; None where it is nowhere tight enough."""
    peak = float(broad[start:end].max())
    if peak < _BEGINS:
        return None
    edge = min(max(_EDGE * peak, _LASTS), _TIGHTEST_EDGE)
    inside = start + np.flatnonzero(broad[start:end] >= edge)
    first, last = int(inside[0]), int(inside[-1]) + 1
    weight = np.maximum(bend[first:last], 0.0)
    total = float(weight.sum())
    return (first, first + float((np.arange(len(weight)) * weight).sum()) / total, last) if total > 0 else None


def _starts(bends: list[_Bend], traces: list[Trace], count: int) -> list[int]:
    """Where corners start: before their braking in the median lap, but not before the corner before is half over."""
    starts = []
    for place, one in enumerate(bends):
        before = bends[place - 1]
        half = (before.apex + before.end) / 2
        room = int((one.start - half) % count) if len(bends) > 1 else count // 2
        onsets = [onset for onset in (_braking_before(trace, one.start, room, count) for trace in traces) if onset]
        start = one.start
        if 2 * len(onsets) > len(traces):
            start -= round(min(float(np.median(onsets)) + _BEFORE_BRAKING_M / traces[0].step_m, room))
        starts.append(start)
    return starts


def _end(bend: _Bend, next_start: int, count: int) -> int:
    """Where a corner ends: with its bend, or before that where the next one starts."""
    length = (next_start - bend.start) % count
    return min(bend.end, bend.start + length) if length else bend.end


def _braking_before(trace: Trace, start: int, room: int, count: int) -> float | None:
    """How far before a corner's bend a lap's braking for it begins, in steps of the grid; None without any."""
    brake = trace.channels.get("brake")
    if brake is None or room < 1:
        return None
    scale = (len(brake) - 1) / count
    places = np.round((np.arange(start - room, start + 1) % count) * scale).astype(np.intp)
    pressed = runs(brake[places] > PRESSED)
    return float(room - pressed[-1][0]) if pressed else None
