"""Finds the corners of a track in the first good laps on it.

What a corner is, in figures: a bend in one direction that turns by at least `LEAST_TURN_RAD`, whether it is braked for
or taken flat out. Where a bend relaxes to less than `RELAXED` of its tighter parts on both sides, and each part turns
enough, the parts are corners of their own; so are the two directions of a chicane.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from racing_coach_analysis.agreement import agreed, settled
from racing_coach_analysis.arrays import Floats, runs
from racing_coach_analysis.bends import Bend, bends_of
from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_analysis.window import PRESSED

METHOD_VERSION: Final = 3
"""Goes up when laps give another map than before."""

LAPS_FOR_MAP: Final = 5
"""How many good laps a track's corners are found in at least. They are numbered once: one odd lap must not decide."""

LAPS_FOR_APEXES: Final = 40
"""How many are waited for where only an apex might still move, that of a long kink which differs from lap to lap."""

MOST_LAPS_FOR_MAP: Final = 60
"""How many are waited for where other laps might still number otherwise: a bend turns by just about what a corner must,
or relaxes by just about what parts it in two."""

_FIRST: Final = 20
_EVERY: Final = 5

_BEFORE_BRAKING_M: Final = 30.0
"""A corner starts this far before the place where drivers brake for it: whoever brakes earlier still does so in it."""

_KNOWN: Final = 0.9
"""Part of a lap whose curvature has to be known."""


def find_corners(traces: Sequence[Trace]) -> TrackMap:
    """Find the corners that laps agree on, so that no one line decides.

    Laps without anything left out go first; the order of the laps changes nothing.

    Args:
        traces: laps of one track and configuration; five to fifteen are enough.

    Raises:
        NotALapError: no lap tells how the track bends.
    """
    length, lines, whole = _lines(traces)
    bend = agreed(lines)[:-1]
    bends = bends_of(bend, length / len(bend))
    starts = _starts(bends, whole, len(bend))
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


def is_time_to_number(laps: int) -> bool:
    """Whether to look now that there are so many good laps of a track: with each of the first, then with every fifth,
    because one more of many hardly tells anything new.
    """
    return laps >= LAPS_FOR_MAP and (laps <= _FIRST or laps % _EVERY == 0)


def number_corners(traces: Sequence[Trace]) -> TrackMap | None:
    """The map that a track keeps, found in its first good laps; None while further laps may still change it.

    Raises:
        NotALapError: no lap tells how the track bends.
    """
    if not is_time_to_number(len(traces)):
        return None
    length, lines, _ = _lines(traces)
    apexes = len(traces) < LAPS_FOR_APEXES
    return find_corners(traces) if len(traces) >= MOST_LAPS_FOR_MAP or settled(lines, length, apexes=apexes) else None


def _lines(traces: Sequence[Trace]) -> tuple[float, Floats, Sequence[Trace]]:
    """The track's length, m, the curvature of each lap that tells it, in an order that is always the same, and the laps
    that count.
    """
    length = float(np.median([trace.length_m for trace in traces])) if traces else 0.0
    grid = np.linspace(0.0, 1.0, round(length) + 1)
    counting = [trace for trace in traces if not trace.exclusions] or list(traces)
    lines = [line for line in (_curvature_on(grid, trace) for trace in counting) if line is not None]
    if not lines:
        raise NotALapError(Reason.MISSING_CHANNELS, "no coordinates, yaw rate or lateral acceleration tell the corners")
    return length, np.array(sorted(lines, key=lambda line: line.tobytes())), counting


def _curvature_on(grid: Floats, trace: Trace) -> Floats | None:
    """A lap's curvature on a grid; None where too little of it is known. Short gaps are bridged by a straight line."""
    bend = curvature(trace)
    if bend is None:
        return None
    known = np.isfinite(bend)
    if np.count_nonzero(known) < _KNOWN * len(bend):
        return None
    return np.interp(grid, trace.pct[known], bend[known])


def _starts(bends: list[Bend], traces: Sequence[Trace], count: int) -> list[int]:
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


def _end(bend: Bend, next_start: int, count: int) -> int:
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
