"""Laps whose truth is known: the simulator's, the same laps on other lines and under other clocks, and shapes drawn by
hand.
"""

import itertools
from dataclasses import replace

import numpy as np

from racing_coach_analysis.lap import LapData
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.driver import DRIVERS, Driver
from racing_coach_rig.sources.simulation.track import EARTH_RADIUS_M
from racing_coach_rig.sources.simulation.tracks import TRACKS
from racing_coach_rig.sources.simulator import Simulator

STEADY = replace(DRIVERS["Ines Aubrac"], consistency=1.0)
"""A driver who does every lap alike."""


def lap_data(lap: Lap) -> LapData:
    """A lap of the rig's, as the library takes it."""
    columns = {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(lap.frames.schema.names, lap.frames.columns, strict=True)
        if name != "timestamp" and column.null_count < len(column)
    }
    return LapData.of(columns, lap.lap_time)


def simulated(track: str = "larchmoor", *, seed: int = 1, driver: Driver = STEADY, number: int = 1) -> LapData:
    """One lap of a simulated stint."""
    return lap_data(next(itertools.islice(Simulator(seed=seed, track=track, driver=driver).laps(), number - 1, None)))


def on_another_line(
    lap: LapData, track: str, *, seed: int, spread_m: float = 0.7, shortest_m: float = 180.0
) -> LapData:
    """The same lap beside itself: at each moment the car is as far round the track as it was, but further in or out.

    So the time at every place is what it was. The offset is a sum of waves along the lap with a standard deviation of
    `spread_m` and wavelengths from `shortest_m` on, which is how much a good driver's laps differ.
    """
    line = TRACKS[track].line
    distance = lap.channels["lap_distance"]
    chance = np.random.default_rng([seed, 77])
    rounds = np.arange(1, int(line.length / shortest_m) + 1)
    size = chance.standard_normal(len(rounds)) * spread_m * np.sqrt(2 / len(rounds))
    waves = 2 * np.pi * rounds / line.length
    phase = np.outer(distance, waves) + chance.uniform(0, 2 * np.pi, len(rounds))
    offset, slope, bend = np.cos(phase) @ size, -np.sin(phase) @ (size * waves), -np.cos(phase) @ (size * waves**2)
    return _moved(lap, track, offset, slope, bend)


def _moved(lap: LapData, track: str, offset: np.ndarray, slope: np.ndarray, bend: np.ndarray) -> LapData:
    """Move a lap to the left by an offset whose derivatives over the line's distance are given."""
    line = TRACKS[track].line
    distance, speed = lap.channels["lap_distance"], lap.channels["speed"]
    heading, curvature = line.at(line.heading, distance), line.at(line.curvature, distance)
    twist = line.at(np.gradient(line.curvature, line.step), distance)
    along, across = 1 - curvature * offset, slope
    stretch = np.hypot(along, across)
    # The heading beside the line is that of (1 - κo, o'); the turn over the line's distance is its derivative plus κ.
    turned = (along * bend + across * (twist * offset + curvature * slope)) / stretch**2
    rate = speed * (curvature + turned)
    parallel = EARTH_RADIUS_M * np.cos(np.radians(TRACKS[track].latitude))
    channels = dict(lap.channels)
    channels["latitude"] = channels["latitude"] + np.degrees(offset * np.cos(heading) / EARTH_RADIUS_M)
    channels["longitude"] = channels["longitude"] - np.degrees(offset * np.sin(heading) / parallel)
    channels["speed"] = speed * stretch
    channels["velocity_x"] = channels["speed"]
    channels["yaw_rate"] = rate
    channels["lateral_acceleration"] = rate * channels["speed"]
    return LapData.of(channels, lap.lap_time)


def without(lap: LapData, *names: str) -> LapData:
    """A lap that lacks channels."""
    return LapData({name: values for name, values in lap.channels.items() if name not in names}, lap.lap_time)


def changed(lap: LapData, **channels: np.ndarray) -> LapData:
    """A lap with other values in some channels."""
    return LapData.of({**lap.channels, **channels}, lap.lap_time)


def part(lap: LapData, rows: slice | np.ndarray) -> LapData:
    """Some frames of a lap."""
    return LapData.of({name: values[rows] for name, values in lap.channels.items()}, lap.lap_time)
