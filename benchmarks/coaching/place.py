"""A lap as functions of place: what a lap that is driven again starts from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from racing_coach_rig.sources.simulation.car import CAR

type Floats = npt.NDArray[np.float64]

PEDAL: Final = 0.05
"""A pedal is pressed from here on."""
FULL: Final = 0.95


@dataclass(frozen=True, slots=True)
class PlaceLap:
    """A lap on a grid of places, the last of which is the line again.

    Attributes:
        place: from the line along the reference line, m, at equal steps of about 1 m.
        speed: m/s.
        throttle, brake: 0 to 1.
        gear: a whole number.
        rpm: rev/min.
        offset: to the left of the reference line, m.
        curvature: of the reference line, 1/m, positive to the left.
        latitude, longitude, heading: of the reference line, degrees and rad.
        other: further channels by name, taken from the place unchanged.
        full_brake: deceleration by the brakes at the pedal's end of travel, m/s².
        redline: rev/min.
        gearing: rev/min per m/s by gear, lowest first.
    """

    place: Floats
    speed: Floats
    throttle: Floats
    brake: Floats
    gear: Floats
    rpm: Floats
    offset: Floats
    curvature: Floats
    latitude: Floats
    longitude: Floats
    heading: Floats
    full_brake: float
    redline: float
    gearing: tuple[float, ...]
    other: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def length(self) -> float:
        return float(self.place[-1])

    @property
    def step(self) -> float:
        return float(self.place[1])

    @property
    def path_curvature(self) -> Floats:
        """Curvature of the path driven, 1/m: of a curve parallel to the reference line, and of its weaving."""
        weave = np.gradient(np.gradient(self.offset, self.step), self.step)
        return self.curvature / (1 - self.curvature * self.offset) + weave

    @property
    def times(self) -> Floats:
        """Time at every place, s: the integral of ds / v along the path driven, by the trapezoidal rule."""
        pace = (1 - self.curvature * self.offset) / self.speed
        return np.concatenate([[0.0], np.cumsum(self.step * (pace[1:] + pace[:-1]) / 2)])

    @property
    def lap_time(self) -> float:
        return float(self.times[-1])

    @property
    def engine(self) -> Floats:
        """Acceleration that the throttle gives, m/s²: that share of the engine's power."""
        return self.throttle * CAR.power / self.speed

    @property
    def acceleration(self) -> Floats:
        """Along the path, m/s²: d(v²)/ds = 2a."""
        return np.gradient(self.speed**2, self.step) / 2


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Where the driver does what at one corner that is braked for, as indexes of the grid."""

    onset: int
    release: int
    slowest: int
    pick_up: int
    full: int
    next_onset: int
    previous_full: int


def landmarks(lap: PlaceLap) -> list[Landmarks]:
    """Every corner that is braked for, in driving order, without those whose braking or exit lies at the line."""
    zones = _braking_zones(lap)
    found = []
    for index, (onset, release) in enumerate(zones):
        end = zones[index + 1][0] if index + 1 < len(zones) else len(lap.place) - 1
        slowest = onset + int(np.argmin(lap.speed[onset:end]))
        pick_up = _first(lap.throttle[release:end] > 0.12, release)
        full = _first(lap.throttle[release:end] > FULL, release)
        before = zones[index - 1][1] if index else 0
        flat = np.flatnonzero(lap.throttle[before:onset] > FULL)
        inside = onset * lap.step > 60 and (len(lap.place) - 1 - slowest) * lap.step > 200
        if pick_up and full and len(flat) and inside and slowest - onset > 20:
            found.append(Landmarks(onset, release, slowest, pick_up, full, end, before + int(flat[0])))
    return found


def _first(where: npt.NDArray[np.bool_], start: int) -> int:
    return start + int(np.argmax(where)) if where.any() else 0


def _braking_zones(lap: PlaceLap) -> list[tuple[int, int]]:
    """Where the brake is pressed: gaps under 20 m closed, dabs left out."""
    pressed = np.concatenate([[False], lap.brake > PEDAL, [False]])
    edges = np.flatnonzero(pressed[1:] != pressed[:-1])
    zones: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if zones and (start - zones[-1][1]) * lap.step < 20:
            zones[-1] = (zones[-1][0], end)
        else:
            zones.append((start, end))
    return [(a, b) for a, b in zones if (b - a) * lap.step > 25 and lap.brake[a:b].max() > 0.2]
