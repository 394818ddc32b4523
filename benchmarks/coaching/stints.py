"""Stints with a known truth: clean ones, and ones in which the driver has one fault, on the last laps, on this lap
alone or from the first lap on.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from benchmarks.coaching import base, tracks
from benchmarks.coaching.noise import LOOSE, STEADY, Chance, Spread, by_chance, varied
from benchmarks.coaching.place import Landmarks, PlaceLap, landmarks
from benchmarks.coaching.planting import ACTIONS, KINDS, Planted, plant
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
    index, size = chosen
    spread = _spread(chance)
    shown = _shown(pattern, chance)
    others = Chance.drawn(len(where.corners), spread, chance)
    compared = others if pattern == "habit" else None
    laps, faults = [], []
    for has_it in shown:
        by = Chance.drawn(len(where.corners), spread, chance)
        driven = by_chance(where.usual, where.corners, spread, by)
        if has_it:
            made = plant(driven, where.corners[index], kind, float(np.clip(size + chance.normal(0, 0.1), 0, 1)))
            if made is None:
                return None
            driven, fault = made
            without = by_chance(where.usual, where.corners, spread, by.but(index, ACTIONS[kind], compared))
            faults.append(replace(fault, action_s=driven.lap_time - without.lap_time))
        laps.append(remembered(driven, where, chance))
    own = [lap for lap, has_it in zip(laps, shown, strict=True) if not has_it]
    other = remembered(by_chance(where.usual, where.corners, spread, others), where, chance)
    reference = min(own, key=lambda lap: lap.lap_time) if pattern != "habit" else other
    return Stint(laps, reference, _mean(faults[-5:]))


def _mean(faults: Sequence[Planted]) -> Planted:
    """The last fault, with the mean of what it cost on the laps that have it."""
    cost, action = (float(np.mean([getattr(one, name) for one in faults])) for name in ("cost_s", "action_s"))
    return replace(faults[-1], cost_s=cost, action_s=action)


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


def _corner_for(where: World, kind: str, pattern: Pattern, chance: np.random.Generator) -> tuple[int, float] | None:
    """The index of a corner and a size at which the fault costs enough to be told."""
    for index in chance.permutation(len(where.corners)):
        for size in (float(chance.uniform(0.1, 0.9)), 0.9):
            made = plant(where.usual, where.corners[index], kind, size)
            if made is not None and made[1].cost_s > LEAST_COST_S[pattern]:
                return int(index), size
    return None


KINDS_OF_FAULT: Final = tuple(KINDS)
