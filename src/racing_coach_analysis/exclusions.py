"""Stretches of a lap that say nothing about how it was driven."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats, runs
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.place import Samples
from racing_coach_analysis.reasons import Exclusion, NotALapError, Reason

_NOT_IN_WORLD: Final = -1
_OFF_TRACK: Final = 0
_PIT_STALL: Final = 1
_PIT_ENTRY: Final = 2
"""Values of iRacing's `TrackSurface`."""

_STILL_MPS: Final = 2.0
"""Slower than this is a car that has stopped: a hairpin is taken at 10 m/s, in a kart too."""

_SPUN_RAD: Final = 0.6
"""A car whose nose is this far (34 degrees) off the way it goes is not coming back without losing the lap."""

_SPUN_MPS: Final = 3.0
_SPUN_RAD_S: Final = 2.5
"""Turning faster than this is a spin: a kart in a hairpin of 8 m radius turns with 1.3 rad/s."""

_TOWED_MPS: Final = 150.0
"""Faster than any car on a track: who moves faster than this was moved."""

_GAP_S: Final = 0.25
_GAP_M: Final = 5.0
"""A time without a sample, and the way gone in it, which is no longer the sampling of any telemetry in use."""

_BEFORE_M: Final = 20.0
_AFTER_M: Final = 150.0
"""What belongs to an incident before the first and behind its last sample: the car has to gather speed again."""

MOST_LEFT_OUT: Final = 0.5
"""A lap of which more than this is left out is none."""


def exclusions_of(lap: LapData, samples: Samples, length_m: float) -> tuple[Exclusion, ...]:
    """What to leave out of a lap, in driving order; stretches of different reasons may overlap.

    Raises:
        NotALapError: the car was in the pit lane, or more than half of the lap is left out.
    """
    found = sorted(_merged([*_incidents(lap, samples, length_m), *_holes(samples, length_m)]), key=_order)
    for reason in Reason:
        share = sum(e.to_pct - e.from_pct for e in found if e.reason is reason)
        if share > MOST_LEFT_OUT:
            raise NotALapError(reason, f"{share:.0%} of the lap")
    return tuple(found)


def _order(exclusion: Exclusion) -> tuple[float, float, Reason]:
    return exclusion.from_pct, exclusion.to_pct, exclusion.reason


def _incidents(lap: LapData, samples: Samples, length_m: float) -> Iterator[Exclusion]:
    before, after = _BEFORE_M / length_m, _AFTER_M / length_m
    for reason, flags in _flagged(lap):
        for first, end in runs(flags):
            start, stop = samples.furthest_pct[first], samples.furthest_pct[end - 1]
            if start > 1.0 or stop < 0.0:
                continue  # on the lap before or after this one
            if reason is Reason.PIT:
                raise NotALapError(reason, f"the car is in the pit lane at {max(float(start), 0.0):.1%} of the lap")
            yield Exclusion(max(float(start) - before, 0.0), min(float(stop) + after, 1.0), reason)


def _flagged(lap: LapData) -> Iterator[tuple[Reason, Flags]]:
    """For each reason that the channels can tell, the frames for which it holds."""
    channels = lap.channels
    if "on_pit_road" in channels:
        yield Reason.PIT, channels["on_pit_road"] > 0
    if "track_surface" in channels:
        surface = channels["track_surface"]
        yield Reason.PIT, (surface == _PIT_STALL) | (surface == _PIT_ENTRY)
        yield Reason.OFF_TRACK, surface == _OFF_TRACK
        yield Reason.TOW, surface == _NOT_IN_WORLD
    if "speed" in channels:
        yield Reason.STANDSTILL, channels["speed"] < _STILL_MPS
    if "velocity_x" in channels and "velocity_y" in channels:
        forwards, sideways = channels["velocity_x"], channels["velocity_y"]
        slip = np.abs(np.arctan2(sideways, forwards))
        yield Reason.SPIN, (slip > _SPUN_RAD) & (np.hypot(forwards, sideways) > _SPUN_MPS)
    if "yaw_rate" in channels:
        yield Reason.SPIN, np.abs(channels["yaw_rate"]) > _SPUN_RAD_S


def _holes(samples: Samples, length_m: float) -> Iterator[Exclusion]:
    """Between which samples too much time and way lie; too much way for the time means that the car was moved."""
    place, time = _from_line_to_line(samples)
    step_s, step_m = np.diff(time), np.diff(place) * length_m
    towed = (step_m > _GAP_M) & (step_m > _TOWED_MPS * np.maximum(step_s, 1 / 60))
    gap = (step_s > _GAP_S) & (step_m > _GAP_M) & ~towed
    for reason, flags in ((Reason.TOW, towed), (Reason.GAP, gap)):
        for hole in np.flatnonzero(flags):
            start, stop = place[hole], place[hole + 1]
            if stop > 0.0 and start < 1.0:
                yield Exclusion(max(float(start), 0.0), min(float(stop), 1.0), reason)


def _from_line_to_line(samples: Samples) -> tuple[Floats, Floats]:
    """Places and times with the lines added; when the car was there is not known, but what lies between is a gap."""
    place = np.concatenate(([min(0.0, samples.pct[0])], samples.pct, [max(1.0, samples.pct[-1])]))
    return place, np.concatenate(([-np.inf], samples.time_s, [np.inf]))


def _merged(exclusions: list[Exclusion]) -> Iterator[Exclusion]:
    """Join stretches of one reason that touch."""
    for reason in Reason:
        open_: Exclusion | None = None
        for one in sorted((e for e in exclusions if e.reason is reason), key=_order):
            if open_ is not None and one.from_pct <= open_.to_pct:
                open_ = Exclusion(open_.from_pct, max(open_.to_pct, one.to_pct), reason)
                continue
            if open_ is not None:
                yield open_
            open_ = one
        if open_ is not None:
            yield open_
