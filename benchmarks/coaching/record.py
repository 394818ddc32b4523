"""A lap as telemetry has it: samples at 60 Hz of what happened at each place."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from benchmarks.coaching.place import Floats, PlaceLap

from racing_coach_rig.sources.simulation.car import CAR
from racing_coach_rig.sources.simulation.track import EARTH_RADIUS_M

_RATE_HZ: Final = 60
_PLACE_NOISE_M: Final = 0.25
"""How far LapDistPct is off on another line: slow, of this standard deviation."""
_JITTER_S: Final = 0.0004
_STEERING_NOISE: Final = 0.004


def recorded(lap: PlaceLap, chance: np.random.Generator, started: float = 0.0) -> Mapping[str, Floats]:
    """The channels of a lap, as an iRacing rig would publish them, by the names of the wire format.

    The first sample falls anywhere within a tick after the line. The clock jitters by less than a millisecond, and the
    place is off by some decimetres, as it is in recordings of one track along two lines.
    """
    times = lap.times
    clock = np.arange(chance.uniform(0, 1 / _RATE_HZ), lap.lap_time, 1 / _RATE_HZ)
    clock = np.clip(clock + chance.normal(0, _JITTER_S, len(clock)).clip(-0.001, 0.001), 1e-5, lap.lap_time - 1e-5)
    place = np.interp(clock, times, lap.place)

    def at(values: Floats) -> Floats:
        sampled: Floats = np.interp(place, lap.place, values)
        return sampled

    curvature = lap.path_curvature
    lateral = lap.speed**2 * curvature
    rounds = chance.integers(2, 9, 3)[:, np.newaxis]
    wander = (
        np.sin(2 * np.pi * (rounds * place / lap.length + chance.random((3, 1)))).sum(axis=0) * _PLACE_NOISE_M / 1.2
    )
    pct = np.clip((place + wander * np.sin(np.pi * place / lap.length)) / lap.length, 1e-7, 1 - 1e-7)
    parallel = np.cos(np.radians(lap.latitude.mean()))
    weave = np.arctan(np.gradient(lap.offset, lap.step))
    north = lap.offset * np.cos(lap.heading) / EARTH_RADIUS_M
    west = lap.offset * np.sin(lap.heading) / (EARTH_RADIUS_M * parallel)
    nearest = np.clip(np.round(place / lap.step).astype(int), 0, len(lap.place) - 1)
    tremor = chance.normal(0, _STEERING_NOISE, len(clock))
    return {
        "session_time": started + clock,
        "current_lap_time": clock,
        "lap_distance_pct": pct.astype(np.float32).astype(float),
        "lap_distance": pct * lap.length,
        "speed": at(lap.speed),
        "throttle": at(lap.throttle),
        "brake": at(lap.brake),
        "gear": lap.gear[nearest],
        "rpm": lap.rpm[nearest],
        "steering_angle": at(_steering(lap, curvature, lateral)) + np.convolve(tremor, np.ones(9) / 3, mode="same"),
        "latitude": at(lap.latitude + np.degrees(north)),
        "longitude": at(lap.longitude - np.degrees(west)),
        "lateral_acceleration": at(lateral),
        "longitudinal_acceleration": at(lap.acceleration),
        "yaw_rate": at(lap.speed * curvature),
        "yaw": np.angle(np.exp(1j * at(lap.heading + weave))),
        "track_surface": np.full(len(clock), 3.0),
        "on_pit_road": np.zeros(len(clock)),
    }


def _steering(lap: PlaceLap, curvature: Floats, lateral: Floats) -> Floats:
    """The wheel's angle, rad: what the path asks for, beside what was recorded where the lap is a real one."""
    if "steering_angle" in lap.other:
        return lap.other["steering_angle"] + CAR.steering_ratio * CAR.wheelbase * (curvature - lap.curvature)
    return CAR.steering_ratio * (CAR.wheelbase * curvature + CAR.understeer * lateral)
