"""The part of a lap that is looked at for one corner, as indices of the trace's grid."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Indices, runs
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Corner, TrackMap

PRESSED: Final = 0.05
"""A pedal at less than this is not used: pedals rest at up to 3 % and feet on them at a little more."""

BRAKING_SEARCH_M: Final = 250.0
"""How far before a corner its braking is looked for."""

_PAUSE_M: Final = 10.0
"""Two applications of the brake this close are one."""


@dataclass(frozen=True, slots=True)
class Window:
    """Indices of a trace's grid, `search` <= `start` <= `apex` <= `stop` <= `end` <= `reach`.

    Attributes:
        search: from where it is looked what the driver does for this corner: `BRAKING_SEARCH_M` before it, not before
            the apex of the one before.
        start, apex, end: of the corner.
        stop: where the driver is done with the corner: its end, or before that where the braking for the next begins.
        reach: up to where its exit is looked at: the start of the next corner, at most `BRAKING_SEARCH_M` further on.
        braking: first index of the brake's application for this corner, and the index behind its last; None without.
    """

    search: int
    start: int
    apex: int
    stop: int
    end: int
    reach: int
    braking: tuple[int, int] | None


def windows_of(trace: Trace, track_map: TrackMap) -> tuple[Window, ...]:
    """The windows of all corners, in their order.

    Nothing is looked for beyond the line: what lies there belongs to another lap. Of a corner that the line crosses,
    the part with the apex is looked at.
    """
    corners = track_map.corners
    places = [_clipped(corner) for corner in corners]
    apexes = np.array([trace.index(apex) for _, apex, _ in places], dtype=np.intp)
    brakings = _brakings(trace, np.array([trace.index(start) for start, _, _ in places], dtype=np.intp), apexes)
    far = BRAKING_SEARCH_M / trace.length_m
    found = []
    for number, (start, apex, end) in enumerate(places):
        before = places[number - 1][1] if number else 0.0
        after = places[number + 1][0] if number + 1 < len(corners) else 1.0
        following = brakings[number + 1] if number + 1 < len(corners) else None
        last = trace.index(end)
        found.append(
            Window(
                search=trace.index(min(max(before, start - far, 0.0), start)),
                start=trace.index(start),
                apex=trace.index(apex),
                stop=last if following is None else min(max(following[0], trace.index(apex)), last),
                end=last,
                reach=trace.index(max(min(after, end + far), end)),
                braking=brakings[number],
            )
        )
    return tuple(found)


def _clipped(corner: Corner) -> tuple[float, float, float]:
    """Start, apex and end of a corner's part within the lap that has the apex."""
    start, end = corner.start_pct, corner.end_pct
    if start > end:
        start, end = (start, 1.0) if corner.apex_pct >= start else (0.0, end)
    return start, min(max(corner.apex_pct, start), end), end


def _brakings(trace: Trace, starts: Indices, apexes: Indices) -> list[tuple[int, int] | None]:
    """For each corner the brake's application that is for it: the hardest, where there are several.

    An application is for the first corner whose apex lies behind its middle (the centroid of pressure): it may begin
    before the apex of the corner before, and be released behind its own.
    """
    chosen: list[tuple[int, int] | None] = [None] * len(apexes)
    brake = trace.channels.get("brake")
    if brake is None:
        return chosen
    hardest = [0.0] * len(apexes)
    order = np.argsort(apexes)  # the last corner of a map may have its apex behind the line
    for start, end in _joined(runs(brake > PRESSED), _PAUSE_M / trace.step_m):
        pressure = np.fmax(brake[start:end], 0.0)
        middle = start + float(np.nansum(np.arange(end - start) * pressure) / np.nansum(pressure))
        place = int(np.searchsorted(apexes, middle, sorter=order))
        if place == len(apexes):
            continue
        corner = int(order[place])
        if starts[corner] - start > BRAKING_SEARCH_M / trace.step_m:
            continue
        peak = float(np.nanmax(pressure))
        if peak > hardest[corner]:
            chosen[corner], hardest[corner] = (start, end), peak
    return chosen


def _joined(found: list[tuple[int, int]], pause: float) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start - joined[-1][1] <= pause:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
