"""`kill -9` between each two steps of the daemon's order and of the rig's: nothing is lost and nothing doubled.

In short, one rig and one database live through all of them; at length, each has a world of its own.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.daemon import DaemonProcess
from tests.faults.checker import Report, check
from tests.faults.crashing_daemon import STEPS as DAEMON_STEPS
from tests.faults.crashing_rig import STEPS as RIG_STEPS
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto]

LAPS = 5
MANY_LAPS = 40
"""More than are answered before the last step is reached."""
TIMES = [1, 2, 3] if os.environ.get("RACING_COACH_TEST_LONG") else [2]
"""At which passage of the step it dies."""
ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    """A daemon and a rig, not started."""

    daemon: DaemonProcess
    rig: Rig
    database_url: str

    async def drained(self) -> Report:
        """Wait until the rig has driven its laps and every one is answered; then compare."""
        try:
            await eventually(lambda: self.rig.is_done and not self.rig.files.waiting())
        except TimeoutError as error:
            error.add_note(f"the daemon:\n{self.daemon.text}\nthe rig:\n{self.rig.log.read_text()}")
            raise
        return await check(self.database_url, [self.rig.files])


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest, mosquitto_process: MosquittoProcess, database_url: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    broker = mosquitto_process.broker
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    daemon = DaemonProcess(broker, plain, settings=QUICK_DAEMON, environment={"PYTHONPATH": str(ROOT)})
    laps, interval_s = getattr(request, "param", (LAPS, 0.05))
    rig = Rig("rig-1", tmp_path, broker, seed=7, laps=laps, interval_s=interval_s)
    yield Stage(daemon, rig, plain)
    rig.close()
    await asyncio.to_thread(daemon.close)


@pytest.mark.parametrize("stage", [(MANY_LAPS, 0.2)], ids=["many laps"], indirect=True)
async def test_the_daemon_may_die_at_one_step_after_another(stage: Stage) -> None:
    """Killed at every step in turn, the daemon has every lap once, whole, and every lap is answered."""
    daemon, ordinary = stage.daemon, stage.daemon.command
    await asyncio.to_thread(daemon.start)
    stage.rig.start()
    await eventually(lambda: daemon.logged("lap stored"))
    await asyncio.to_thread(daemon.kill)
    for step in DAEMON_STEPS:
        daemon.command = [sys.executable, "-m", "tests.faults.crashing_daemon", step, "1"]
        await asyncio.to_thread(daemon.start, wait=False)
        assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL, step
    daemon.command = ordinary
    await asyncio.to_thread(daemon.start, wait=False)
    report = await stage.drained()
    assert report.findings == []
    assert report.in_database == MANY_LAPS


@pytest.mark.parametrize("stage", [(MANY_LAPS, 0.1)], ids=["many laps"], indirect=True)
async def test_the_rig_may_die_at_one_step_after_another(stage: Stage) -> None:
    """Killed at every step in turn, the rig has every lap that it spooled stored, once and whole."""
    await asyncio.to_thread(stage.daemon.start)
    ordinary = stage.rig.module
    for step in RIG_STEPS:
        stage.rig.module = ["tests.faults.crashing_rig", step, "1"]
        stage.rig.start()
        assert await asyncio.to_thread(stage.rig.wait) == -signal.SIGKILL, step
    stage.rig.module = ordinary
    stage.rig.start()
    report = await stage.drained()
    assert report.findings == []
    assert report.in_database == len(stage.rig.files.states()) >= MANY_LAPS


@pytest.mark.long
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("step", DAEMON_STEPS)
async def test_the_daemon_may_die_after_any_step(stage: Stage, step: str, time: int) -> None:
    """Killed at this step, and started again, the daemon has every lap once, whole, and every lap is answered."""
    daemon = stage.daemon
    ordinary, daemon.command = (
        daemon.command,
        [
            *(sys.executable, "-m", "tests.faults.crashing_daemon", step, str(time)),
        ],
    )
    await asyncio.to_thread(daemon.start)
    stage.rig.start()
    assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL
    daemon.command = ordinary
    await asyncio.to_thread(daemon.start, wait=False)
    report = await stage.drained()
    assert report.findings == []
    assert report.in_database == LAPS
    assert await asyncio.to_thread(daemon.stop) == 0


@pytest.mark.long
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("step", RIG_STEPS)
async def test_the_rig_may_die_after_any_step(stage: Stage, step: str, time: int) -> None:
    """Killed at this step, and started again, the rig has every lap that it spooled stored, once and whole."""
    await asyncio.to_thread(stage.daemon.start)
    ordinary, stage.rig.module = stage.rig.module, ["tests.faults.crashing_rig", step, str(time)]
    stage.rig.start()
    assert await asyncio.to_thread(stage.rig.wait) == -signal.SIGKILL
    stage.rig.module = ordinary
    stage.rig.start()
    report = await stage.drained()
    assert report.findings == []
    # What was on disk but not yet in the journal when it died comes on top.
    assert LAPS <= report.in_database <= LAPS + 1
    assert report.in_database == len(stage.rig.files.states())
    assert await asyncio.to_thread(stage.rig.stop) == 0
