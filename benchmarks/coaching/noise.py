"""A driver is not a machine: what differs from lap to lap without being a fault.

Braking points, apex speeds and the places of throttle pick-up vary from corner to corner; the pace varies slowly around
the lap and from lap to lap; the line is half a metre to one side or the other. What a corner does to the straight after
it follows from physics, as with a fault.
"""

from dataclasses import dataclass, replace
from typing import Final

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


def varied(lap: PlaceLap, corners: list[Landmarks], spread: Spread, chance: np.random.Generator) -> PlaceLap:
    """The lap as it comes out this time."""
    lap = exits(entries(lap, corners, spread, chance), corners, spread, chance)
    return weaving(paced(lap, spread, chance), spread.line, chance)


def entries(lap: PlaceLap, corners: list[Landmarks], spread: Spread, chance: np.random.Generator) -> PlaceLap:
    """Other braking points."""
    shift = np.zeros_like(lap.place)
    for corner in corners:
        size = float(np.clip(chance.normal(0, spread.braking), -9, 9))
        onset, slowest = lap.place[[corner.onset, corner.slowest]].tolist()
        shift += ramp(
            lap.place, [(onset - 60, 0.0), (onset - 12, size), (0.5 * (onset + slowest), size), (slowest, 0.0)]
        )
    return moved(lap, shift)


def exits(lap: PlaceLap, corners: list[Landmarks], spread: Spread, chance: np.random.Generator) -> PlaceLap:
    """Other apex speeds and throttle pick-ups."""
    fixed = np.full_like(lap.place, np.nan)
    throttle = lap.throttle.copy()
    for corner in corners:
        slower = float(np.clip(chance.normal(0, spread.apex), -0.02, 0.02))
        begin, end = (corner.onset + corner.release) // 2, max(corner.slowest, corner.pick_up)
        inside = slice(begin, end)
        places = lap.place[inside]
        fixed[inside] = (
            2 * slower * ramp(places, [(places[0], 0.0), (float(places[len(places) * 2 // 3]), 1.0), (places[-1], 1.0)])
        )
        later = float(np.clip(chance.normal(0, spread.pick_up), -9, 9))
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
