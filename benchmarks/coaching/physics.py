"""What a change to one part of a lap does to the rest of it.

A deficit is by how much the square of the speed is lower than before, m²/s²; a negative one is more speed. With the
same throttle the car at less speed has more thrust (power over speed) and less drag, so a deficit shrinks along a
straight: linearised about the lap before, d(deficit)/ds = -(P / v³ + 2k) deficit. Where the lap before slows down for
the next corner, a driver who comes slower brakes later, and one who comes quicker brakes sooner, until both are at the
same speed.
"""

import math
from dataclasses import replace
from typing import Final

import numpy as np
from benchmarks.coaching.place import FULL, PEDAL, Floats, PlaceLap

from racing_coach_rig.sources.simulation.car import CAR

_SETTLE_M: Final = 15.0
"""Over this way a driver who comes quicker than usual has shed 63 % of what is too much."""


def driven_with(lap: PlaceLap, push: Floats, fixed: Floats | None = None) -> PlaceLap:
    """A lap with less thrust in places, and with deficits that are given in others.

    Args:
        lap: its throttle and gears are already those of the new lap; its speed and brake are those of the lap before.
        push: thrust that is missing at each place, m/s².
        fixed: a deficit as a share of the square of the speed where one is given, NaN elsewhere.
    """
    squares = lap.speed**2
    step = lap.step
    fades = np.exp(-step * lap.throttle * (CAR.power / lap.speed**3 + 2 * CAR.drag)).tolist()
    slowing = _slowing(lap).tolist()
    given = (fixed * squares).tolist() if fixed is not None else [math.nan] * len(squares)
    added = (2 * step * push).tolist()
    settle = math.exp(-step / _SETTLE_M)
    deficit, deficits, eased = 0.0, [], []
    for point in range(len(given)):
        held = given[point]
        used = 1.0
        if not math.isnan(held):
            deficit = held
        elif slowing[point] > 0:
            undone = 2 * step * slowing[point]
            used = 1.0 - min(max(deficit / undone, 0.0), 1.0)
            deficit = max(deficit - undone, 0.0) if deficit > 0 else deficit * settle
        deficits.append(deficit)
        eased.append(used)
        deficit = deficit * fades[point] + added[point]
    speed = np.sqrt(np.maximum(squares - np.array(deficits), 9.0))
    return replace(lap, speed=speed, brake=lap.brake * np.array(eased))


def _slowing(lap: PlaceLap) -> Floats:
    """By how much the driver slows down on purpose, m/s²: by the brakes, or by letting the car roll into a corner."""
    rolling = (lap.throttle < 0.3) & (lap.acceleration < -1.0)
    return np.where(lap.brake > PEDAL, lap.brake * lap.full_brake, np.where(rolling, -lap.acceleration, 0.0))


def moved(lap: PlaceLap, shift: Floats) -> PlaceLap:
    """A lap on which everything happens `shift` metres before its usual place: speed, pedals and gears.

    Where the shift changes, the same change of speed takes another way, so the pedals are pressed that much more or
    less.
    """
    there = np.clip(lap.place + shift, 0.0, lap.length)
    stretch = np.gradient(there, lap.step).clip(0.0, 1.6)

    def taken(values: Floats) -> Floats:
        return np.interp(there, lap.place, values)

    nearest = np.clip(np.round(there / lap.step).astype(int), 0, len(there) - 1)
    return replace(
        lap,
        speed=taken(lap.speed),
        throttle=taken(lap.throttle),
        brake=np.clip(taken(lap.brake) * stretch, 0, 1),
        gear=lap.gear[nearest],
        rpm=lap.rpm[nearest],
    )


def throttled(lap: PlaceLap, throttle: Floats, fixed: Floats | None = None) -> PlaceLap:
    """A lap with another throttle, and the speed that comes of it."""
    push = (lap.throttle - throttle) * CAR.power / np.maximum(lap.speed, 5.0)
    return driven_with(replace(lap, throttle=throttle), push, fixed)


def ramp(place: Floats, points: list[tuple[float, float]]) -> Floats:
    """A function of place that goes smoothly from value to value: raised cosines between (place, value) pairs."""
    where = np.array([point for point, _ in points])
    values = np.array([value for _, value in points])
    index = np.clip(np.searchsorted(where, place, side="right") - 1, 0, len(where) - 2)
    share = np.clip((place - where[index]) / np.maximum(where[index + 1] - where[index], 1e-9), 0, 1)
    between: Floats = values[index] + (values[index + 1] - values[index]) * (1 - np.cos(np.pi * share)) / 2
    return between


def flat_out(lap: PlaceLap) -> Floats:
    return (lap.throttle > FULL).astype(float)
