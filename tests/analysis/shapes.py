"""Laps drawn by hand: straights and circles, driven as a test says, so that every place and value is known exactly."""

import math
from collections.abc import Callable

import numpy as np

from racing_coach_analysis.lap import LapData

type Profile = Callable[[np.ndarray], np.ndarray]
"""A value for each place along the lap, m."""

_FINE_M = 0.02
_LATITUDE, _LONGITUDE = 45.0, 7.0
_EARTH_M = 6_371_008.8


def stadium(straight: float = 400.0, radius: float = 60.0) -> tuple[float, Profile]:
    """Two straights and two half circles, driven counter-clockwise from the middle of a straight.

    Returns:
        The length of a lap, m, and the curvature along it, rad/m. The bends begin at half a straight, and at one and a
        half straights and a half circle.
    """
    bend = math.pi * radius
    first, second = straight / 2, straight * 1.5 + bend

    def curvature(place: np.ndarray) -> np.ndarray:
        inside = ((place >= first) & (place < first + bend)) | ((place >= second) & (place < second + bend))
        return inside / radius

    return 2 * (straight + bend), curvature


def constant(value: float) -> Profile:
    return lambda place: np.full(len(place), value)


def points(*pairs: tuple[float, float]) -> Profile:
    """Straight lines between points, each a place in m and the value there."""
    places, values = zip(*pairs, strict=True)
    return lambda place: np.interp(place, places, values)


def driven(
    length: float,
    curvature: Profile,
    *,
    speed: Profile,
    hertz: float = 60.0,
    offset_m: float = 0.0,
    **channels: Profile,
) -> LapData:
    """Drive one lap from line to line.

    Args:
        length: of the lap, m.
        curvature: along it, rad/m.
        speed: along it, m/s.
        hertz: samples a second.
        offset_m: how far to the left of the line the car is, with the same places and times.
        channels: further ones, along the lap.
    """
    fine = np.linspace(0.0, length, round(length / _FINE_M) + 1)
    middle = (fine[1:] + fine[:-1]) / 2
    step = fine[1]
    heading = np.concatenate(([0.0], np.cumsum(curvature(middle)) * step))
    way = np.concatenate(([0.0], np.cumsum(np.exp(1j * (heading[1:] + heading[:-1]) / 2)) * step))
    way = way + 1j * offset_m * np.exp(1j * heading)
    time = np.concatenate(([0.0], np.cumsum(step / speed(middle))))
    clock = np.arange(0.0, time[-1], 1 / hertz)
    place = np.interp(clock, time, fine)
    bend = curvature(place)
    columns = {
        "session_time": 1000.0 + clock,
        "lap_distance_pct": place / length,
        "speed": speed(place),
        "latitude": _LATITUDE + np.degrees(np.interp(place, fine, way.imag) / _EARTH_M),
        "longitude": _LONGITUDE
        + np.degrees(np.interp(place, fine, way.real) / _EARTH_M / math.cos(math.radians(_LATITUDE))),
        "yaw_rate": bend * speed(place),
        "lateral_acceleration": bend * speed(place) ** 2,
        **{name: profile(place) for name, profile in channels.items()},
    }
    return LapData.of(columns, float(time[-1]))
