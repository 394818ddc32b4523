"""Laps to start from: a simulated driver's usual lap of a track, and a real one out of a file."""

import zlib
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.coaching.place import Floats, PlaceLap

from racing_coach_rig.sources.read_file import read_file
from racing_coach_rig.sources.simulation.car import CAR
from racing_coach_rig.sources.simulation.driver import DRIVERS, Driver, corner_shares
from racing_coach_rig.sources.simulation.speed import Effort, speed_squared
from racing_coach_rig.sources.simulation.track import EARTH_RADIUS_M, Track

TUNE_DRIVERS: Final = (
    *("Ines Aubrac", "Jonas Lindqvist", "Tomas Velde"),
    *("Mara Okafor", "Priya Raman", "Bill Hartley"),
    *("Oda Brekke", "Luis Ferreira", "Hanna Sorel", "Tade Quist"),
)
_MORE: Final = {
    one.name: one
    for one in (
        Driver("Oda Brekke", skill=0.93, braking=0.84, traction=0.91),
        Driver("Luis Ferreira", skill=0.90, braking=0.91, traction=0.83),
        Driver("Hanna Sorel", skill=0.94, braking=0.90, traction=0.87),
        Driver("Tade Quist", skill=0.88, braking=0.82, traction=0.89),
        Driver("Noor Haddad", skill=0.92, braking=0.89, traction=0.85),
        Driver("Pavel Drozd", skill=0.89, braking=0.86, traction=0.92),
    )
}
REPORT_DRIVERS: Final = ("Noor Haddad", "Pavel Drozd")
"""Drivers that nobody but this evaluation knows. Like a track, a driver who was reported once is for tuning since."""


def simulated(track: Track, driver: Driver) -> PlaceLap:
    """The lap that a driver means to drive on a track: with their habits, without chance."""
    line = track.line
    steps = len(line.distance) - 1
    index = np.arange(-(steps // 2), steps + steps // 2 + 1)
    usual = Driver(driver.name, driver.skill, driver.braking, driver.traction, consistency=1.0)
    grip, braking = corner_shares(usual, track, zlib.crc32(track.id.encode()), 0)
    apexes = np.concatenate([line.apexes - line.length, line.apexes, line.apexes + line.length])
    around = line.step * index
    effort = Effort(
        np.interp(around, apexes, np.tile(grip, 3)), np.interp(around, apexes, np.tile(braking, 3)), driver.traction
    )
    reach = max(1, round(track.easing / (3 * line.step)))
    squares = speed_squared(line.curvature[index % steps], effort, line.step, reach)
    slope = np.gradient(squares, line.step) / 2
    lap = slice(steps // 2, steps // 2 + steps + 1)
    speed, slope = np.sqrt(squares[lap]), slope[lap]
    demand = slope + CAR.resistance(speed)
    gear = _gears(speed)
    latitude, longitude = track.coordinates(line.east, line.north)
    return PlaceLap(
        place=line.distance,
        speed=speed,
        throttle=np.clip(1.01 * demand * speed / CAR.power, 0, 1),
        brake=np.clip((-demand - CAR.engine_braking) / CAR.full_brake, 0, 1),
        gear=gear,
        rpm=speed * np.array(CAR.gearing)[gear.astype(int) - 1],
        offset=np.zeros_like(speed),
        curvature=line.curvature,
        latitude=latitude,
        longitude=longitude,
        heading=line.heading,
        full_brake=CAR.full_brake,
        redline=CAR.redline,
        gearing=CAR.gearing,
    )


def _gears(speed: Floats) -> Floats:
    """Up at the redline, down where the lower gear stays a tenth below it; as the simulator's cars are driven."""
    up = CAR.redline / np.array(CAR.gearing[:-1])
    lowest = 1 + np.searchsorted(up, speed, side="right")
    highest = 1 + np.searchsorted(0.9 * up, speed, side="right")
    gears = np.empty_like(speed)
    gear = int(highest[0])
    for point in range(len(speed)):
        gear = min(max(gear, int(lowest[point])), int(highest[point]))
        gears[point] = gear
    return gears


def driver(name: str) -> Driver:
    return (DRIVERS | _MORE)[name]


_SMOOTH_M: Final = 9
"""A real lap's speed is smoothed over this, so that a change of it makes no new acceleration out of noise."""


_READ: Final = (
    *("session_time", "lap_distance_pct", "speed", "throttle", "brake"),
    *("gear", "rpm", "latitude", "longitude", "steering_angle"),
)


def real(path: Path) -> PlaceLap:
    """A lap out of a Garage 61 export, on a grid of places of 1 m.

    Its own path is the reference line. The file has one lap and no length of the track: that is the integral of speed.
    """
    lap = read_file(path).laps[0]
    columns = {name: lap.frames.column(name).to_numpy(zero_copy_only=False).astype(float) for name in _READ}
    time, speed, pct = columns["session_time"], columns["speed"], columns["lap_distance_pct"]
    driven = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(time))])
    length = float(driven[-1] / (pct[-1] - pct[0]))
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(pct)) > 0])
    place = np.linspace(0.0, length, round(length) + 1)
    at = {name: np.interp(place, pct[keep] * length, values[keep]) for name, values in columns.items()}
    smooth = _smoothed(at["speed"], _SMOOTH_M)
    east, north = _metres(at["latitude"], at["longitude"])
    heading = _smoothed(np.unwrap(np.arctan2(np.gradient(north), np.gradient(east))), _SMOOTH_M)
    gear = _engaged(np.round(columns["gear"][keep]))[np.searchsorted(pct[keep] * length, place).clip(0, keep.sum() - 1)]
    ratio = [float(np.median((at["rpm"] / smooth)[gear == number])) for number in range(1, 7) if (gear == number).any()]
    braking = at["brake"] > 0.4
    slowing = -np.gradient(smooth**2, place[1])[braking] / 2
    return PlaceLap(
        place=place,
        speed=smooth,
        throttle=at["throttle"].clip(0, 1),
        brake=at["brake"].clip(0, 1),
        gear=gear,
        rpm=at["rpm"],
        offset=np.zeros_like(place),
        curvature=_smoothed(np.gradient(heading, place[1]), 2 * _SMOOTH_M),
        latitude=at["latitude"],
        longitude=at["longitude"],
        heading=heading,
        full_brake=float(np.median((slowing - CAR.resistance(smooth[braking])) / at["brake"][braking])),
        redline=float(np.percentile(at["rpm"], 99.5)),
        gearing=tuple(ratio),
        other={"steering_angle": at["steering_angle"]},
    )


def _engaged(gears: Floats) -> Floats:
    """Gears without the neutral that a box passes through between two of them: a driver who stays in that does not stay
    in a gear.
    """
    last = np.maximum.accumulate(np.where(gears > 0, np.arange(len(gears)), 0))
    return gears[last]


def _smoothed(values: Floats, window: int) -> Floats:
    weights = np.hanning(window + 2)[1:-1]
    return np.convolve(np.pad(values, window // 2, mode="edge"), weights / weights.sum(), mode="valid")[: len(values)]


def _metres(latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    parallel = np.cos(np.radians(latitude.mean()))
    east = np.radians(longitude - longitude.mean()) * EARTH_RADIUS_M * parallel
    return east, np.radians(latitude - latitude.mean()) * EARTH_RADIUS_M
