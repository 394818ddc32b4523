"""What the driver did in every corner and on every straight of a lap, in numbers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from racing_coach_analysis.arrays import Floats, mean
from racing_coach_analysis.braking import Braking, braking
from racing_coach_analysis.cornering import Cornering, cornering
from racing_coach_analysis.envelope import Envelope, grip_used
from racing_coach_analysis.motion import Motion, motion_of
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.straights import StraightMeasures, measure_straight
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import Corner, TrackMap, segments
from racing_coach_analysis.traction import Traction, traction
from racing_coach_analysis.window import Window, windows_of


@dataclass(frozen=True, slots=True)
class CornerMeasures:
    """One corner of one lap. What the lap's channels do not tell is None.

    Places are metres from the line along the lap.

    Attributes:
        number: of the corner on the map.
        time_s: between the corner's start and end, s.
        braking: what the brake pedal did.
        cornering: how the car went round.
        traction: what the throttle did.
        grip_used: share of the car's envelope used, 0 to about 1; None without an envelope.
        excluded: why all this says nothing of how the corner was driven, None when it does.
    """

    number: int
    time_s: float
    braking: Braking
    cornering: Cornering
    traction: Traction
    grip_used: float | None
    excluded: Reason | None


@dataclass(frozen=True, slots=True)
class SectorMeasures:
    """One sector of the lap, by default a third of it: number from 1, where it lies, and the time in it, s."""

    number: int
    start_pct: float
    end_pct: float
    time_s: float


@dataclass(frozen=True, slots=True)
class LapMeasures:
    """All that is measured of one lap.

    Attributes:
        lap_time: s.
        corners: one for each corner of the map, in its order.
        straights: in driving order.
        sectors: in driving order; their times add up to the lap time.
        segment_times_s: for each of `segments(track_map)`, the time in it, s; they add up to the lap time.
    """

    lap_time: float
    corners: tuple[CornerMeasures, ...]
    straights: tuple[StraightMeasures, ...]
    sectors: tuple[SectorMeasures, ...]
    segment_times_s: tuple[float, ...]


def measure(
    trace: Trace,
    track_map: TrackMap,
    *,
    envelope: Envelope | None = None,
    sector_starts: Sequence[float] = (0.0, 1 / 3, 2 / 3),
) -> LapMeasures:
    """Measure a lap through the windows of a track's map.

    Args:
        trace: the lap.
        track_map: of its track; the same one for all laps that are to be compared.
        envelope: of the car's grip, for `grip_used`.
        sector_starts: where the sectors begin, as part of the lap, the first at 0.
    """
    cut = segments(track_map)
    motion = motion_of(trace)
    grip = grip_used(trace, motion, envelope) if envelope else None
    bounds = np.array([*sector_starts, 1.0])
    sector_times = np.diff(np.interp(bounds, trace.pct, trace.time_s))
    ends = np.interp([[one.start_pct, one.end_pct] for one in cut], trace.pct, trace.time_s)
    return LapMeasures(
        lap_time=trace.lap_time,
        corners=tuple(
            _corner(trace, motion, corner, window, grip)
            for corner, window in zip(track_map.corners, windows_of(trace, track_map), strict=True)
        ),
        straights=tuple(measure_straight(trace, motion, one) for one in cut if one.kind == "straight"),
        sectors=tuple(
            SectorMeasures(number, start, end, time)
            for number, ((start, end), time) in enumerate(
                zip(itertools.pairwise(bounds.tolist()), sector_times.tolist(), strict=True), start=1
            )
        ),
        segment_times_s=tuple((ends[:, 1] - ends[:, 0]).tolist()),
    )


def _corner(trace: Trace, motion: Motion, corner: Corner, window: Window, grip: Floats | None) -> CornerMeasures:
    return CornerMeasures(
        number=corner.number,
        time_s=float(trace.time_s[window.end] - trace.time_s[window.start]),
        braking=braking(trace, motion, window),
        cornering=cornering(trace, motion, corner, window),
        traction=traction(trace, motion, window),
        grip_used=None if grip is None else mean(grip[window.start : window.end + 1]),
        excluded=trace.excluded(float(trace.pct[window.search]), float(trace.pct[window.end])),
    )
