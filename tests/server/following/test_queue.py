"""The database is the followers' queue: catching up, kills, two daemons."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import StartDaemon
from tests.server.following.support import RunToy, done, gate_closed, is_waiting, send
from tests.server.following.toy import order, seen
from tests.server.support import Stored, arrow, new_laps
from tests.waiting import eventually

import racing_coach_server

ROOT = Path(racing_coach_server.__file__).parents[2]


async def test_what_was_stored_before_is_caught_up(
    run_toy: RunToy, start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """Laps of a daemon without the feature, in several batches, as soon as one has it."""
    laps = new_laps(5)
    daemon = start_daemon()
    await send(rig, laps)
    assert await asyncio.to_thread(daemon.stop) == 0

    async with run_toy(followers={"batch": 2}):
        await done(stored, laps)


async def test_what_memory_does_not_hold_is_found_again(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """More laps than there is room for, while the first is at work: all are followed, without waiting for the interval."""
    slow, *others = laps = new_laps(6)
    await order(stored, slow.lap_number, "wait")
    async with run_toy(followers={"memory": 1, "catch_up_s": 3600}):
        async with gate_closed(stored):
            await send(rig, [slow])
            await eventually(lambda: is_waiting(stored))
            await send(rig, others)
        await done(stored, laps)


@pytest.fixture
def toy_daemon(start_daemon: StartDaemon, broker: Broker, database_url: str, tables: None) -> Any:
    """Starts daemons with the toy feature, as processes."""
    daemons: list[DaemonProcess] = []

    def start(**settings: object) -> DaemonProcess:
        quick = {"HEALTH__INTERVAL_S": 0.2, "FOLLOWERS__CATCH_UP_S": 0.5, "COACHING__ENABLED": "false", **settings}
        daemon = DaemonProcess(broker, database_url, settings=quick, environment={"PYTHONPATH": str(ROOT)})
        daemon.command = [sys.executable, "-m", "tests.server.following.toy_daemon"]
        daemons.append(daemon)
        return daemon.start()

    yield start
    for daemon in daemons:
        daemon.__exit__(None, None, None)


async def test_a_killed_daemon_loses_no_work(toy_daemon: Any, rig: LapClient, stored: Stored) -> None:
    """kill -9 in the middle of a lap: nothing of it is left, and the next start does it, and all others, once."""
    slow, *others = laps = new_laps(4)
    await order(stored, slow.lap_number, "wait")
    daemon = toy_daemon()
    async with gate_closed(stored):
        await send(rig, [slow, *others])
        await eventually(lambda: is_waiting(stored))
        daemon.kill()
        await stored.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%followers%'"
        )
    assert await seen(stored) == []

    await asyncio.to_thread(daemon.start)

    await done(stored, laps)


async def test_two_daemons_share_the_work(
    toy_daemon: Any, start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """Both catch up with the same laps at the same time, while new ones come: each is done once, by one of them."""
    old, new = new_laps(12), new_laps(6)
    daemon = start_daemon()
    await send(rig, old)
    assert await asyncio.to_thread(daemon.stop) == 0

    await asyncio.gather(*(asyncio.to_thread(toy_daemon) for _ in range(2)))
    for lap in new:
        await rig.publish(arrow(lap))

    await done(stored, [*old, *new])
    await asyncio.sleep(1.2)  # another round of both
    await done(stored, [*old, *new])
