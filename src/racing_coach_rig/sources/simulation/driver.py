"""The driver: uses a share of what the car can do, which differs from person to person, from corner to corner and from
lap to lap.
"""

import zlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from racing_coach_rig.sources.simulation.arrays import Floats
from racing_coach_rig.sources.simulation.habits import Habit
from racing_coach_rig.sources.simulation.track import Track


@dataclass(frozen=True, slots=True)
class Driver:
    """Someone who drives. All but the name and the habits are from 0 to 1.

    Attributes:
        name: for people; a driver's better and worse corners come from it too.
        skill: share of the friction circle used on the average.
        braking: how late the brakes come: share of the grip left for slowing down that is used.
        traction: how early the throttle comes: share of the grip left for speeding up that is used.
        consistency: how alike a corner is from lap to lap; at 1 only the tyres make a difference.
        habits: faults at single corners, on every lap.
    """

    name: str
    skill: float = 0.93
    braking: float = 0.9
    traction: float = 0.9
    consistency: float = 0.85
    habits: tuple[Habit, ...] = field(default=(), repr=False)


DRIVERS: Final[dict[str, Driver]] = {
    driver.name: driver
    for driver in (
        Driver("Ines Aubrac", skill=0.965, braking=0.95, traction=0.96, consistency=0.95),
        Driver("Tomas Velde", skill=0.95, braking=0.97, traction=0.86, consistency=0.75),
        Driver("Priya Raman", skill=0.94, braking=0.88, traction=0.95, consistency=0.92),
        Driver("Jonas Lindqvist", skill=0.92, braking=0.86, traction=0.88, consistency=0.82),
        Driver("Mara Okafor", skill=0.89, braking=0.80, traction=0.84, consistency=0.65),
        Driver("Bill Hartley", skill=0.85, braking=0.72, traction=0.78, consistency=0.50),
    )
}
"""Drivers to choose from, by name, the quickest first."""

_LEAST_GRIP: Final = 0.4
_MOST_GRIP: Final = 0.985
"""Nobody uses more than this share of the friction circle, so that the circle itself is never left."""

_HABIT_SPREAD: Final = 0.012
"""How much better or worse than usual a driver is at one corner: standard deviation, as a share."""

_LARGEST_SPREAD: Final = 0.06
"""How much the grip used in a corner differs from lap to lap without any consistency, likewise."""

_MOST_MISTAKES: Final = 0.06
"""How often a corner goes wrong without any consistency."""

_MISTAKE: Final = 0.12
"""Share of the grip that a corner gone wrong costs."""

_TREMOR_HZ: Final = np.array([0.53, 0.97, 1.61, 2.29])
"""Frequencies at which a driver's hands move."""


def corner_shares(driver: Driver, track: Track, seed: int, number: int) -> Floats:
    """Shares of grip and of braking used at every corner of lap `number`: two rows, from 0 to 1."""
    corners = len(track.corners)
    person = zlib.crc32(driver.name.encode())
    habit = np.random.default_rng([person, zlib.crc32(track.id.encode())])
    chance = np.random.default_rng([seed, person, number])
    spread = _LARGEST_SPREAD * (1 - driver.consistency)
    grip, braking = _HABIT_SPREAD * habit.standard_normal((2, corners))
    grip += spread * chance.standard_normal(corners)
    braking += 2 * spread * chance.standard_normal(corners)
    grip -= np.where(chance.random(corners) < _MOST_MISTAKES * (1 - driver.consistency), _MISTAKE, 0.0)
    shares = np.stack([driver.skill * (1 + grip), driver.braking * (1 + braking)])
    return shares.clip(_LEAST_GRIP, _MOST_GRIP)


def tremor(driver: Driver, seed: int, session_time: Floats) -> Floats:
    """The small corrections of a driver's hands, rad at the steering wheel."""
    phases = np.random.default_rng([seed]).uniform(0, 2 * np.pi, len(_TREMOR_HZ))
    waves = np.sin(2 * np.pi * _TREMOR_HZ * session_time[:, np.newaxis] + phases)
    corrections: Floats = (0.003 + 0.01 * (1 - driver.consistency)) * waves.mean(axis=1)
    return corrections
