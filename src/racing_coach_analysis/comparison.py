"""Two laps of one track, place by place: where the time went."""

from dataclasses import dataclass

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Segment, TrackMap, segments


@dataclass(frozen=True, slots=True)
class SegmentDelta:
    """What one segment lost.

    Attributes:
        segment: which.
        loss_s: time lost in it, s; negative when gained.
        entry_s, middle_s, exit_s: the same in its three parts, which add up to `loss_s`.
        excluded: why the loss says nothing of how it was driven, None when it does.
    """

    segment: Segment
    loss_s: float
    entry_s: float
    middle_s: float
    exit_s: float
    excluded: Reason | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One lap against another.

    Attributes:
        pct: a grid of places, 0 to 1: the reference's.
        delta_s: at each of them, how much later this lap was there, s; 0 at the start, NaN in gaps of either lap.
        segments: in driving order; their losses add up to `total_s`.
        total_s: this lap's time minus the reference's, s.
    """

    pct: Floats
    delta_s: Floats
    segments: tuple[SegmentDelta, ...]
    total_s: float


def parts(segment: Segment) -> tuple[float, float]:
    """Where a segment's entry ends and its exit begins.

    The middle of a corner reaches a third of the way from its apex to either end; a straight, which has no apex, is cut
    in three of equal length.
    """
    if segment.apex_pct is None:
        third = (segment.end_pct - segment.start_pct) / 3
        return segment.start_pct + third, segment.end_pct - third
    apex = segment.apex_pct
    return apex - (apex - segment.start_pct) / 3, apex + (segment.end_pct - apex) / 3


def compare(this: Trace, reference: Trace, track_map: TrackMap) -> Comparison:
    """Compare two laps over place: delta(s) = t(s) - t_ref(s), and a segment's loss is delta at its end minus delta at
    its start.

    So the losses of all segments add up to the difference of the lap times. A delta integrated from the two speeds, as
    FastF1's `delta_time` was until it was taken out, does not.

    Args:
        this: the lap in question, traced with `reference` as its reference.
        reference: the lap to compare with.
        track_map: of their track.
    """
    same_grid = len(this.pct) == len(reference.pct)
    time = this.time_s if same_grid else np.interp(reference.pct, this.pct, this.time_s)
    delta = time - reference.time_s
    for one in (*this.exclusions, *reference.exclusions):
        if one.reason in {Reason.GAP, Reason.TOW}:
            delta[(reference.pct > one.from_pct) & (reference.pct < one.to_pct)] = np.nan
    cut = segments(track_map)
    places = [(one.start_pct, *parts(one), one.end_pct) for one in cut]
    at = _delta_at(this, reference, places)
    deltas = tuple(
        SegmentDelta(
            one,
            loss_s=float(row[3] - row[0]),
            entry_s=float(row[1] - row[0]),
            middle_s=float(row[2] - row[1]),
            exit_s=float(row[3] - row[2]),
            excluded=this.excluded(one.start_pct, one.end_pct) or reference.excluded(one.start_pct, one.end_pct),
        )
        for one, row in zip(cut, at, strict=True)
    )
    return Comparison(reference.pct, delta, deltas, this.lap_time - reference.lap_time)


def _delta_at(this: Trace, reference: Trace, places: list[tuple[float, float, float, float]]) -> Floats:
    """Delta at places: each lap's time on its own grid, so that swapped laps change nothing but the sign."""
    at: Floats = np.interp(places, this.pct, this.time_s) - np.interp(places, reference.pct, reference.time_s)
    return at
