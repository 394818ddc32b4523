"""A driver is not a machine: what differs from lap to lap without being a fault.

Braking points, apex speeds and the places of throttle pick-up vary from corner to corner; the pace varies slowly around
the lap and from lap to lap; the line is half a metre to one side or the other. What a corner does to the straight after
it follows from physics, as with a fault.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

import numpy as np
from benchmarks.coaching.physics import driven_with, moved, ramp
from benchmarks.coaching.place import Floats, Landmarks, PlaceLap

from racing_coach_rig.sources.simulation.car import CAR


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of a driver from lap to lap.

    Attributes:
        braking: of braking points, m.
        apex: of apex speeds, as a share.
        pick_up: of the places where the throttle comes, m.
        pace: of the lap's general pace, as a share.
        drift: of the pace's slow change around a lap, as a share.
        line: sideways, m.
    """

    braking: float = 2.0
    apex: float = 0.0045
    pick_up: float = 2.0
    pace: float = 0.0015
    drift: float = 0.0010
    line: float = 0.25


STEADY: Final = Spread()
LOOSE: Final = Spread(braking=3.0, apex=0.007, pick_up=3.0, pace=0.002, drift=0.0015, line=0.3)


type Part = Literal["braking", "apex", "pick_up"]


@dataclass(frozen=True, slots=True)
class Chance:
    """What chance did to one lap.

    Attributes:
        braking: by how much each corner was braked for before the usual place, m.
        apex: by what share each was driven slower than usual.
        pick_up: by how much the throttle came later than usual at each, m.
        around: the seed of what changes slowly around the lap, the pace and the line.
    """

    braking: tuple[float, ...]
    apex: tuple[float, ...]
    pick_up: tuple[float, ...]
    around: int

    @classmethod
    def drawn(cls, corners: int, spread: Spread, chance: np.random.Generator) -> Self:
        """A lap's chance, by a driver's spread."""
        return cls(
            tuple(chance.normal(0, spread.braking, corners).clip(-9, 9).tolist()),
            tuple(chance.normal(0, spread.apex, corners).clip(-0.02, 0.02).tolist()),
            tuple(chance.normal(0, spread.pick_up, corners).clip(-9, 9).tolist()),
            int(chance.integers(2**62)),
        )

    def but(self, corner: int, parts: Collection[Part], other: "Chance | None") -> "Chance":
        """The same, with some of it at one corner as on another lap, or as usual."""
        changed = {}
        for part in ("braking", "apex", "pick_up"):
            values: list[float] = list(getattr(self, part))
            if part in parts:
                values[corner] = 0.0 if other is None else getattr(other, part)[corner]
            changed[part] = tuple(values)
        return Chance(changed["braking"], changed["apex"], changed["pick_up"], self.around)


def varied(lap: PlaceLap, corners: list[Landmarks], spread: Spread, chance: np.random.Generator) -> PlaceLap:
    """The lap as it comes out this time."""
    return by_chance(lap, corners, spread, Chance.drawn(len(corners), spread, chance))


def by_chance(lap: PlaceLap, corners: list[Landmarks], spread: Spread, chance: Chance) -> PlaceLap:
    """The lap as it comes out with what chance does to it."""
    around = np.random.default_rng(chance.around)
    lap = exits(entries(lap, corners, chance), corners, chance)
    return weaving(paced(lap, spread, around), spread.line, around)


def entries(lap: PlaceLap, corners: list[Landmarks], chance: Chance) -> PlaceLap:
    """Other braking points."""
    shift = np.zeros_like(lap.place)
    for corner, size in zip(corners, chance.braking, strict=True):
        onset, slowest = lap.place[[corner.onset, corner.slowest]].tolist()
        shift += ramp(
            lap.place, [(onset - 60, 0.0), (onset - 12, size), (0.5 * (onset + slowest), size), (slowest, 0.0)]
        )
    return moved(lap, shift)


def exits(lap: PlaceLap, corners: list[Landmarks], chance: Chance) -> PlaceLap:
    """Other apex speeds and throttle pick-ups."""
    fixed = np.full_like(lap.place, np.nan)
    throttle = lap.throttle.copy()
    for corner, slower, later in zip(corners, chance.apex, chance.pick_up, strict=True):
        begin, end = (corner.onset + corner.release) // 2, max(corner.slowest, corner.pick_up)
        inside = slice(begin, end)
        places = lap.place[inside]
        fixed[inside] = (
            2 * slower * ramp(places, [(places[0], 0.0), (float(places[len(places) * 2 // 3]), 1.0), (places[-1], 1.0)])
        )
        zone = slice(max(end - 15, corner.release), corner.full + 30)
        throttle[zone] = np.interp(lap.place[zone] - later, lap.place, lap.throttle)
    push = (lap.throttle - throttle) * CAR.power / lap.speed
    return driven_with(replace(lap, throttle=throttle), push, fixed)


def paced(lap: PlaceLap, spread: Spread, chance: np.random.Generator) -> PlaceLap:
    """A lap that is a little quicker or slower throughout, in slow waves."""
    share = chance.normal(0, spread.pace) + spread.drift * _waves(lap, chance, longest=1.0, shortest=lap.length / 700)
    return replace(lap, speed=lap.speed * (1 - share), rpm=lap.rpm * (1 - share))


def weaving(lap: PlaceLap, aside: float, chance: np.random.Generator, widest: float = 0.6) -> PlaceLap:
    """A line that lies to one side of the usual one, never by more than `widest` m, and changes over 180 m or more."""
    offset = aside * _waves(lap, chance, longest=2.0, shortest=lap.length / 180)
    # Bent towards the widest rather than cut off there: a corner in the offset would be a bend of the path.
    return replace(lap, offset=lap.offset + widest * np.tanh(offset / widest))


def _waves(lap: PlaceLap, chance: np.random.Generator, longest: float, shortest: float) -> Floats:
    """A smooth function of place of standard deviation 1: eight waves between two numbers of rounds a lap."""
    rounds = np.round(chance.uniform(longest, max(shortest, longest + 1), 8))[:, np.newaxis]
    phase = chance.uniform(0, 2 * np.pi, 8)[:, np.newaxis]
    waves: Floats = np.sin(2 * np.pi * rounds * lap.place / lap.length + phase).sum(axis=0) / 2
    return waves
