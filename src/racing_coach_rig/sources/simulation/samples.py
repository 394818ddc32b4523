"""One lap, driven and sampled: from a speed at every point of the line to the car at every tick of the clock."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from racing_coach_core.channels import SAMPLE_RATE_HZ
from racing_coach_rig.sources.simulation.arrays import Floats
from racing_coach_rig.sources.simulation.car import CAR
from racing_coach_rig.sources.simulation.line import RacingLine


@dataclass(frozen=True, slots=True)
class Drive:
    """One lap with half a lap before and after it, point by point.

    Attributes:
        distance: from the start of the lap, m; negative on the lap before.
        time: from the start of the lap, s.
        speed: m/s.
        lap_time: s.
    """

    distance: Floats
    time: Floats
    speed: Floats
    lap_time: float


@dataclass(frozen=True, slots=True)
class Samples:
    """The car at 60 Hz, from shortly before the lap to shortly after it.

    Attributes:
        tick: samples since the stint began.
        lap_clock: since the start of the lap, s.
        distance: since the start of the lap, m.
        speed: m/s.
        acceleration: along the track, m/s².
        curvature: of the track, 1/m.
    """

    tick: npt.NDArray[np.int64]
    lap_clock: Floats
    distance: Floats
    speed: Floats
    acceleration: Floats
    curvature: Floats

    @property
    def session_time(self) -> Floats:
        return self.tick / SAMPLE_RATE_HZ

    @property
    def lateral(self) -> Floats:
        """Lateral acceleration, m/s²: v²κ."""
        return self.speed**2 * self.curvature

    @property
    def demand(self) -> Floats:
        """What engine or brakes must give, m/s²: the acceleration, and what air and road take."""
        return self.acceleration + CAR.resistance(self.speed)


_MARGIN_S: Final = 2.0
"""How much is sampled around a lap, so that rates and means at its ends are as good as inside it."""


def sampled(drive: Drive, line: RacingLine, started: float) -> Samples:
    """Sample a lap that began `started` seconds into the stint.

    Between two points of the line the acceleration is constant, so speed is linear in time.
    """
    first = math.floor((started - _MARGIN_S) * SAMPLE_RATE_HZ)
    last = math.ceil((started + drive.lap_time + _MARGIN_S) * SAMPLE_RATE_HZ)
    tick = np.arange(first, last + 1)
    clock = tick / SAMPLE_RATE_HZ - started
    speed = np.interp(clock, drive.time, drive.speed)
    before = np.searchsorted(drive.time, clock, side="right") - 1
    since = clock - drive.time[before]
    distance = drive.distance[before] + since * (drive.speed[before] + speed) / 2
    slope = np.gradient(drive.speed**2, line.step) / 2
    return Samples(
        tick=tick,
        lap_clock=clock,
        distance=distance,
        speed=speed,
        acceleration=np.interp(distance, drive.distance, slope),
        curvature=line.at(line.curvature, distance),
    )
