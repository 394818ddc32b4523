"""`kill -9` between each two steps from a stored lap to the coach's word."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.daemon import DaemonProcess
from tests.faults.crashing_daemon import COACHING_STEPS
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import all_coached, coached, said_of, stint
from tests.server.support import Stored, arrow
from tests.waiting import eventually

from racing_coach_analysis.corners import LAPS_FOR_MAP

ROOT = Path(__file__).parents[3]
DRIVEN = LAPS_FOR_MAP + 1
MADE = "select lap_id, created_at from lap_analyses union all select lap_id, created_at from lap_comparisons"
"""When what is there was made: what is done twice has another time."""

pytestmark = pytest.mark.faults


async def made(stored: Stored) -> set[tuple[object, ...]]:
    return {tuple(row) for row in await stored.query(MADE)}


async def test_every_lap_is_coached_once_wherever_the_daemon_dies(
    broker: Broker, database_url: str, rig: LapClient, stored: Stored
) -> None:
    """Nothing that was committed is done again; a word is said twice only if the first was not seen accepted."""
    laps = stint(DRIVEN + len(COACHING_STEPS))
    with DaemonProcess(broker, database_url, environment={"PYTHONPATH": str(ROOT)}) as daemon:
        ordinary = daemon.command
        for lap in laps[:DRIVEN]:
            await coached(rig, lap)
        await eventually(lambda: all_coached(stored, DRIVEN))
        assert await asyncio.to_thread(daemon.stop) == 0
        for number, step in enumerate(COACHING_STEPS, DRIVEN):
            lap = laps[number]
            daemon.command = [sys.executable, "-m", "tests.faults.crashing_daemon", step, "1"]
            await asyncio.to_thread(daemon.start)
            assert (await rig.send(arrow(lap))).status == "success", step
            assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL, step
            before = await made(stored)

            daemon.command = ordinary
            await asyncio.to_thread(daemon.start)
            said = [await said_of(rig, lap)]
            if step == "published, not recorded":
                said.append(await said_of(rig, lap))
            await eventually(lambda count=number + 1: all_coached(stored, count))
            await eventually(lambda count=number + 1: published(stored, count))

            assert said == [said[0]] * len(said), step
            assert before <= await made(stored), step
            assert await asyncio.to_thread(daemon.stop) == 0
    assert all(queue.empty() for queue in rig.coaching.values())
    assert not daemon.logged("a follower failed")


async def published(stored: Stored, count: int) -> bool:
    return bool(await stored.value("select count(*) from coaching where published_at is not null") == count)
