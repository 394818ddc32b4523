"""Stints with a known truth: clean ones, and ones in which the driver has one fault, on the last laps, on this lap
alone or from the first lap on.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from benchmarks.coaching import base, tracks
from benchmarks.coaching.faults import KINDS, Planted, plant
from benchmarks.coaching.noise import LOOSE, STEADY, Spread, varied
from benchmarks.coaching.place import Landmarks, PlaceLap, landmarks
from benchmarks.coaching.record import recorded

from racing_coach_analysis.analysed import Analysed, analysed
from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.trace import Trace, trace
from racing_coach_analysis.track_map import TrackMap

type Pattern = Literal["lately", "once", "habit"]
"""In how many laps the fault is: 3 to 5 of the last five; this one; all of the driver's."""

PATTERNS: Final[tuple[Pattern, ...]] = ("lately", "once", "habit")
LEAST_COST_S: Final[dict[Pattern, float]] = {"lately": 0.10, "once": 0.20, "habit": 0.12}
"""Cheaper faults are not planted: the gates of the message let no word through below 0.03 s and 0.1 s."""

EARLIER_LAPS: Final = 9
_MAP_LAPS: Final = 5


@dataclass(frozen=True, slots=True)
class World:
    """A track and a driver.

    Attributes:
        name: for people.
        usual: the lap that the driver means to drive.
        corners: that it brakes for.
        track_map: found from the driver's first laps.
        first: the first of these, which says what is where.
    """

    name: str
    usual: PlaceLap
    corners: list[Landmarks]
    track_map: TrackMap
    first: Trace


@functools.cache
def world(track: str, driver: str) -> World:
    """A simulated track and driver, or a file with a real lap as `track` (then the driver is the file's)."""
    usual = (
        base.real(Path(track)) if track.endswith(".csv") else base.simulated(tracks.track(track), base.driver(driver))
    )
    corners = landmarks(usual)
    chance = np.random.default_rng([5, len(usual.place)])
    laps = [varied(usual, corners, STEADY, chance) for _ in range(_MAP_LAPS)]
    first = trace(_data(laps[0], chance))
    others = [trace(_data(lap, chance), reference=first) for lap in laps[1:]]
    return World(f"{Path(track).stem}/{driver}", usual, corners, find_corners([first, *others]), first)


def _data(lap: PlaceLap, chance: np.random.Generator) -> LapData:
    return LapData.of(recorded(lap, chance), lap_time=lap.lap_time)


def remembered(lap: PlaceLap, where: World, chance: np.random.Generator) -> Analysed:
    """A driven lap, recorded, traced and kept: the way that a lap takes in the daemon."""
    return analysed(trace(_data(lap, chance), reference=where.first))


@dataclass(frozen=True, slots=True)
class Stint:
    """Laps of one driver, the last of which is in question.

    Attributes:
        laps: in driving order.
        reference: to compare the last with.
        planted: the fault in the last lap, with the mean cost over the laps that have it; None in a clean stint.
    """

    laps: list[Analysed]
    reference: Analysed
    planted: Planted | None


def clean(where: World, laps: int, chance: np.random.Generator) -> list[Analysed]:
    """Laps without a fault."""
    spread = _spread(chance)
    return [remembered(varied(where.usual, where.corners, spread, chance), where, chance) for _ in range(laps)]


def faulty(where: World, kind: str, pattern: Pattern, chance: np.random.Generator) -> Stint | None:
    """A stint with a fault at one corner; `None` where no corner of the track can have it."""
    chosen = _corner_for(where, kind, pattern, chance)
    if chosen is None:
        return None
    corner, size = chosen
    spread = _spread(chance)
    shown = _shown(pattern, chance)
    laps, costs, last = [], [], None
    for has_it in shown:
        driven = varied(where.usual, where.corners, spread, chance)
        if has_it:
            made = plant(driven, corner, kind, float(np.clip(size + chance.normal(0, 0.1), 0, 1)))
            if made is None:
                return None
            driven, last = made
            costs.append(last.cost_s)
        laps.append(remembered(driven, where, chance))
    own = [lap for lap, has_it in zip(laps, shown, strict=True) if not has_it]
    other = remembered(varied(where.usual, where.corners, spread, chance), where, chance)
    reference = min(own, key=lambda lap: lap.lap_time) if pattern != "habit" else other
    assert last is not None
    recent = costs[-5:] if pattern != "once" else costs[-1:]
    return Stint(laps, reference, Planted(kind, last.cause, last.at_m, last.corner_m, float(np.mean(recent))))


def _spread(chance: np.random.Generator) -> Spread:
    return STEADY if chance.random() < 0.7 else LOOSE


def _shown(pattern: Pattern, chance: np.random.Generator) -> list[bool]:
    if pattern == "once":
        return [False] * EARLIER_LAPS + [True]
    if pattern == "habit":
        return [True] * (EARLIER_LAPS + 1)
    last = [True] * 5
    for index in chance.permutation(4)[: int(chance.integers(0, 3))]:
        last[index] = False
    return [False] * EARLIER_LAPS + last


def _corner_for(
    where: World, kind: str, pattern: Pattern, chance: np.random.Generator
) -> tuple[Landmarks, float] | None:
    """A corner and a size at which the fault costs enough to be told."""
    for index in chance.permutation(len(where.corners)):
        for size in (float(chance.uniform(0.1, 0.9)), 0.9):
            made = plant(where.usual, where.corners[index], kind, size)
            if made is not None and made[1].cost_s > LEAST_COST_S[pattern]:
                return where.corners[index], size
    return None


KINDS_OF_FAULT: Final = tuple(KINDS)
