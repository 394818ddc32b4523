"""Laps for the coach, and what it says of them."""

import asyncio
import uuid
from dataclasses import replace

import numpy as np
from tests.lap_client import LapClient
from tests.server.support import SHORT_TRACK, Stored, arrow
from tests.waiting import TIMEOUT_S

from racing_coach_core.coaching import Coaching
from racing_coach_core.lap import Lap, frames_from_columns
from racing_coach_rig.sources.simulation.habits import Habit
from racing_coach_rig.sources.simulator import DRIVERS, Simulator

INES = DRIVERS["Ines Aubrac"]
WAIT_S = TIMEOUT_S


def stint(laps: int, *habits: Habit, track: str = SHORT_TRACK, seed: int = 1, first: int = 1) -> list[Lap]:
    """Laps of a steady driver in a driving session of their own."""
    driver = replace(INES, habits=habits)
    driven = Simulator(seed=seed, track=track, driver=driver, session_id=uuid.uuid4()).laps(laps + first - 1)
    return [replace(lap, lap_id=uuid.uuid4()) for lap in driven][first - 1 :]


async def coached(rig: LapClient, lap: Lap) -> Coaching:
    """Send a lap and wait for what the coach says."""
    answer = await rig.send(arrow(lap), car=lap.session.car_id)
    assert answer.status == "success", answer.message
    return await said_of(rig, lap)


async def said_of(rig: LapClient, lap: Lap) -> Coaching:
    """What the coach says of a lap that was sent."""
    return await asyncio.wait_for(rig.coaching[lap.lap_id].get(), WAIT_S)


async def keep_fresh(stored: Stored, lap: Lap) -> None:
    """Have a lap count as stored just now, however long the machine takes to start what is to find it."""
    await stored.query("update laps set created_at = now() + interval '10 minutes' where id = $1", lap.lap_id)


def renumbered(lap: Lap, number: int) -> Lap:
    """The same lap with a number and an id of its own."""
    return with_channels(replace(lap, lap_id=uuid.uuid4()), lap_number=np.full(lap.frames.num_rows, number))


def with_channels(lap: Lap, **channels: np.ndarray) -> Lap:
    """A lap with other values in some channels."""
    columns = {name: lap.frames.column(name) for name in lap.frames.schema.names}
    return replace(lap, frames=frames_from_columns({**columns, **channels}, lap.frames.num_rows))


def channel(lap: Lap, name: str) -> np.ndarray:
    return np.asarray(lap.frames.column(name).to_numpy(zero_copy_only=False))


async def all_coached(stored: Stored, laps: int) -> bool:
    """Whether every one of so many stored laps is analysed, compared and spoken of."""
    for table in ("lap_analyses", "lap_comparisons", "coaching"):
        if await stored.value(f"select count(*) from {table}") < laps:
            return False
    return await stored.value("select count(*) from laps") == laps
