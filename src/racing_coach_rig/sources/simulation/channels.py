"""The channels of a lap, derived from its samples and the track's shape, so that they agree with one another. Axes and
signs are iRacing's: x forwards, y left, z up, and angles right-handed about them. A left turn has positive steering,
yaw rate and lateral acceleration; roll is positive with the left side up, pitch with the nose down. Yaw is
counter-clockwise from east.
"""

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from racing_coach_core.channels import SAMPLE_RATE_HZ, TREAD_POSITIONS, WHEELS
from racing_coach_core.track_surface import TrackSurface
from racing_coach_rig.sources.simulation.arrays import Columns, Floats
from racing_coach_rig.sources.simulation.car import CAR, GRAVITY
from racing_coach_rig.sources.simulation.line import RacingLine
from racing_coach_rig.sources.simulation.samples import Samples
from racing_coach_rig.sources.simulation.track import Track


def _rate(values: Floats) -> Floats:
    """Derivative of samples over time, per second."""
    return np.gradient(values) * SAMPLE_RATE_HZ


def motion(samples: Samples, track: Track) -> Columns:
    """Where the car is and how it moves. The point mass follows the line, so it has no velocity sideways."""
    line, distance, speed = track.line, samples.distance, samples.speed
    latitude, longitude = track.coordinates(line.at(line.east, distance), line.at(line.north, distance))
    return {
        "speed": speed,
        "velocity_x": speed,
        "velocity_y": np.zeros_like(speed),
        "velocity_z": speed * line.at(line.bump_slope, distance),
        "longitudinal_acceleration": samples.acceleration,
        "lateral_acceleration": samples.lateral,
        "vertical_acceleration": GRAVITY + speed**2 * line.at(line.bump_curvature, distance),
        "latitude": latitude,
        "longitude": longitude,
        "altitude": line.at(line.altitude, distance),
    }


_ROLL_GRADIENT: Final = 1.1e-3
"""Body roll per lateral acceleration, rad per m/s²: about 0.6 degrees per g, usual for a stiff racing car."""

_DIVE_GRADIENT: Final = 7.0e-4
"""Nose down per deceleration, rad per m/s²."""


def attitude(samples: Samples, line: RacingLine) -> Columns:
    """Which way the car points. It leans out of bends, dives under braking and follows the road's slope."""
    heading = line.at(line.heading, samples.distance)
    roll = _ROLL_GRADIENT * samples.lateral
    pitch = -np.arctan(line.at(line.grade, samples.distance)) - _DIVE_GRADIENT * samples.acceleration
    return {
        "yaw": np.arctan2(np.sin(heading), np.cos(heading)),
        "yaw_rate": samples.speed * samples.curvature,
        "roll": roll,
        "roll_rate": _rate(roll),
        "pitch": pitch,
        "pitch_rate": _rate(pitch),
    }


_BRAKE_BAR: Final = {"LF": 78.0, "RF": 77.5, "LR": 60.0, "RR": 60.5}
"""Brake line pressure with the pedal at its end of travel, bar. The front brakes do more."""


def controls(samples: Samples, tremor: Floats) -> Columns:
    """What the driver does with hands and feet, and what the engine makes of it.

    The road wheels turn by δ = L κ + K v²κ, with wheelbase L and understeer gradient K (T. D. Gillespie,
    "Fundamentals of Vehicle Dynamics", SAE 1992, chapter 6).
    """
    demand, speed = samples.demand, samples.speed
    brake = np.clip((-demand - CAR.engine_braking) / CAR.full_brake, 0.0, 1.0)
    road_wheel = CAR.wheelbase * samples.curvature + CAR.understeer * samples.lateral
    gear = _gears(speed)
    revs = speed * np.array(CAR.gearing)[gear - 1]
    return {
        "throttle": np.clip(1.01 * demand * speed / CAR.power, 0.0, 1.0),
        "brake": brake,
        "clutch": np.ones_like(speed),
        "steering_angle": CAR.steering_ratio * road_wheel + tremor,
        "gear": gear,
        "rpm": revs,
        **{f"{wheel.lower()}_brake_pressure": brake * bar for wheel, bar in _BRAKE_BAR.items()},
    }


def _gears(speed: Floats) -> npt.NDArray[np.int64]:
    """The gear at every sample: up at the redline, down when the lower gear stays a tenth below it."""
    up = CAR.redline / np.array(CAR.gearing[:-1])
    lowest = 1 + np.searchsorted(up, speed, side="right")
    highest = 1 + np.searchsorted(0.9 * up, speed, side="right")

    def shift(gear: int, allowed: tuple[int, int]) -> int:
        return min(max(gear, allowed[0]), allowed[1])

    allowed = zip(lowest.tolist(), highest.tolist(), strict=True)
    chosen = itertools.accumulate(allowed, shift, initial=int(lowest[0]))
    return np.array([*chosen][1:], dtype=np.int64)


_AIR_TEMP_C: Final = 21.5

_TREAD_C: Final = {
    ("L", "left"): -4.0,
    ("L", "middle"): 0.0,
    ("L", "right"): 5.0,
    ("R", "left"): 5.0,
    ("R", "middle"): 0.0,
    ("R", "right"): -4.0,
}
"""How much warmer a tyre is across its tread, °C, by side of the car: camber loads the inner edge most."""

_LOAD_MEAN_S: Final = 2.0
"""How long a tyre's tread remembers a bend."""


def tyres(samples: Samples, driven: Floats) -> Columns:
    """Temperature and wear of the tread. The side that is outside in a bend works harder.

    Tyres warm up within minutes, and by 0.9 °C more for every m/s² of a bend. Of their tread a third is worn
    after about 160 km.

    Args:
        samples: of the lap.
        driven: distance since the stint began, m.
    """
    warm_up = 1 - np.exp(-np.maximum(samples.session_time, 0.0) / 110.0)
    window = np.full(round(_LOAD_MEAN_S * SAMPLE_RATE_HZ), 1 / (_LOAD_MEAN_S * SAMPLE_RATE_HZ))
    columns: Columns = {}
    for wheel in WHEELS:
        side, axle = wheel
        outwards = -1.0 if side == "L" else 1.0
        load = np.convolve(np.maximum(outwards * samples.lateral, 0.0), window, mode="same")
        front = axle == "F"
        temperature = (38.0 if front else 36.0) + (44.0 if front else 47.0) * warm_up + 0.9 * load
        for position in TREAD_POSITIONS:
            camber = _TREAD_C[side, position]
            name = f"{wheel.lower()}_tire_{{}}_{position}"
            columns[name.format("temp")] = temperature + camber * warm_up
            columns[name.format("wear")] = np.exp(-(1 + 0.05 * camber) * driven / (4.0e5 if front else 4.6e5))
    return columns


_TRACK_DRY: Final = 1
_FLAGS: Final = 0x1004_0000
"""As in iRacing's practice: `irsdk_servicible` (the car may be serviced) and `irsdk_startHidden`."""


def surroundings(samples: Samples) -> Columns:
    """A dry day that slowly changes, an open track, and a car that stays on it."""
    rows = len(samples.tick)
    hours = samples.session_time / 3600
    return {
        "air_temp": _AIR_TEMP_C + 1.5 * np.sin(hours),
        "track_temp": _AIR_TEMP_C + 9.0 + 4.0 * np.sin(hours),
        "track_wetness": np.full(rows, _TRACK_DRY),
        "session_flags": np.full(rows, _FLAGS),
        "track_surface": np.full(rows, TrackSurface.ON_TRACK),
        "on_pit_road": np.zeros(rows, dtype=np.bool_),
    }
