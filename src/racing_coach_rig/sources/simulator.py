"""A simulated driver: laps to try everything with, no simulator and no recording needed.

A point-mass car laps a closed track as fast as grip, power and drag allow, and a driver uses a share of that
which differs from person to person, from corner to corner and from lap to lap. Every channel is derived from the
speed that comes of it and from the track's shape, so the channels agree with one another. How is told by the modules
of `simulation`: `track` and `line`, `car` and `driver`, `speed`, `samples`, `channels` and `stint`.

What is left out: all drivers take the same line, the car never slides, and hills do not slow it.
"""

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa

from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap, frames_from_columns
from racing_coach_core.topics import to_segment
from racing_coach_core.wire_types import parse_timestamp
from racing_coach_rig.sources.simulation import channels
from racing_coach_rig.sources.simulation.arrays import Floats
from racing_coach_rig.sources.simulation.driver import DRIVERS, Driver, corner_shares, tremor
from racing_coach_rig.sources.simulation.habits import with_habits
from racing_coach_rig.sources.simulation.samples import Drive, sampled
from racing_coach_rig.sources.simulation.speed import Effort, speed_squared, tyre_grip
from racing_coach_rig.sources.simulation.stint import Standing, clock
from racing_coach_rig.sources.simulation.track import Corner, Track
from racing_coach_rig.sources.simulation.tracks import TRACKS

__all__ = ["DEFAULT_START", "DEFAULT_TRACK", "DRIVERS", "TRACKS", "Corner", "Driver", "Simulator", "Track"]

DEFAULT_TRACK: Final = "larchmoor"
DEFAULT_START: Final = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
"""When a stint starts unless told otherwise; not "now", so that the same seed gives the same laps."""

_SESSIONS: Final = uuid.UUID("6f0d8c0e-5c0b-5d0a-9b43-3a4f0c1d7e52")
"""Namespace of the simulator's session ids."""


class Simulator:
    """One driver's stint on one track, as a source of laps.

    The same arguments give the same laps, bit for bit.

    Args:
        seed: of everything that chance decides, at least 0.
        track: a key of `TRACKS`.
        driver: who drives; without one, the seed picks one of `DRIVERS`.
        car_id, car_name: as the session has them. Every car drives alike.
        session_id: without one, it follows from the other arguments.
        started_at: when the car first crosses the start/finish line, session time 0; without an offset it is
            UTC. `DEFAULT_START` when not given.

    Raises:
        KeyError: no such track.
    """

    def __init__(
        self,
        *,
        seed: int,
        track: str = DEFAULT_TRACK,
        driver: Driver | None = None,
        car_id: str = "sim-gt3",
        car_name: str = "Simulated GT3",
        session_id: uuid.UUID | None = None,
        started_at: datetime | None = None,
    ) -> None:
        self.track = TRACKS[track]
        self.driver = driver or [*DRIVERS.values()][seed % len(DRIVERS)]
        self._seed = seed
        self._started_at = parse_timestamp(started_at or DEFAULT_START)
        name = f"{seed}/{track}/{self.driver}/{car_id}/{car_name}/{self._started_at.isoformat()}"
        if self.driver.habits:
            name += f"/{self.driver.habits}"
        self.session = SessionFrame(
            timestamp=self._started_at,
            session_id=session_id or uuid.uuid5(_SESSIONS, name),
            track_id=self.track.id,
            track_name=self.track.name,
            track_config_name=self.track.config,
            car_id=car_id,
            car_name=car_name,
            session_type="Practice",
            driver_id=to_segment(self.driver.name),
            driver_name=self.driver.name,
        )

    def laps(self, count: int | None = None) -> Iterator[Lap]:
        """Drive the stint from its first lap, `count` laps or for ever.

        Laps follow one another without a gap: session time, distance and speed go on from one to the next.
        """
        standing = Standing()
        for number in itertools.count(1) if count is None else range(1, count + 1):
            drive = self._drive(number)
            frames = self._frames(number, drive, standing)
            yield Lap(lap_id_for(self.session.session_id, number), self.session, drive.lap_time, frames)
            standing = standing.after(drive.lap_time)

    def _drive(self, number: int) -> Drive:
        """Drive one lap.

        Half a lap before it and half a lap after it are driven along, so that the speed at the line is what
        both laps make of it, whichever of them is asked for.
        """
        line = self.track.line
        steps = len(line.distance) - 1
        index = np.arange(-(steps // 2), steps + steps // 2 + 1)
        distance = line.step * index.astype(np.float64)
        effort = self._effort(number, distance)
        reach = max(1, round(self.track.easing / (3 * line.step)))
        speed = np.sqrt(speed_squared(line.curvature[index % steps], effort, line.step, reach))
        apexes = np.sort(line.apexes) + line.length * np.array([[-1.0], [0.0], [1.0]])
        speed = with_habits(speed, self.driver.habits, apexes=apexes, distance=distance, reach=reach)
        time = np.cumsum(np.append(0.0, 2 * line.step / (speed[1:] + speed[:-1])))
        time -= time[steps // 2]
        return Drive(distance, time, speed, lap_time=float(time[steps // 2 + steps]))

    def _effort(self, number: int, distance: Floats) -> Effort:
        """What the driver makes of the car on and around a lap, from corner to corner."""
        line = self.track.line
        around = (number - 1, number, number + 1)
        grip, braking = np.concatenate(
            [corner_shares(self.driver, self.track, self._seed, lap) for lap in around], axis=1
        )
        apexes = np.concatenate([line.apexes - line.length, line.apexes, line.apexes + line.length])
        tyres = tyre_grip((number - 1) * line.length + distance)
        return Effort(
            grip=np.interp(distance, apexes, grip) * tyres,
            braking=np.interp(distance, apexes, braking),
            traction=self.driver.traction,
        )

    def _frames(self, number: int, drive: Drive, standing: Standing) -> pa.RecordBatch:
        line = self.track.line
        samples = sampled(drive, line, standing.started)
        driven = np.maximum((number - 1) * line.length + samples.distance, 0.0)
        hands = tremor(self.driver, self._seed, samples.session_time)
        columns = {
            **clock(number, samples, standing, self._started_at, line.length),
            **channels.motion(samples, self.track),
            **channels.attitude(samples, line),
            **channels.controls(samples, hands),
            **channels.tyres(samples, driven),
            **channels.surroundings(samples),
        }
        inside = (samples.lap_clock > 0) & (samples.lap_clock < drive.lap_time)
        rows = int(np.count_nonzero(inside))
        return frames_from_columns({name: values[inside] for name, values in columns.items()}, rows)
