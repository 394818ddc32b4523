"""Two daemons of one shared group on mosquitto: one is killed, both are restarted in turn, and no lap waits long.

How long a lap waited is the time from the outbox's word that it has it to the beginning of its transaction.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.daemon import DaemonProcess
from tests.faults.checker import check
from tests.faults.rig import Rig
from tests.faults.rig_process import read_journal
from tests.faults.settings import QUICK_DAEMON, QUICK_RIG
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto, pytest.mark.timeout(240)]

RIGS = ("rig-1", "rig-2", "rig-3")
SLACK_S = 2.5
"""What sending again and storing may take."""
SLOWER = 20
"""On a machine that is busy with something else, so many times what a lap waited there before."""


@pytest.fixture
def daemons(mosquitto_process: MosquittoProcess, database: str) -> Iterator[list[DaemonProcess]]:
    """Two members of a group."""
    with ExitStack() as stack:
        made = []
        for _ in range(2):
            settings = {**QUICK_DAEMON, "COACHING__ENABLED": "false", "DELIVERY__SHARED_GROUP": "pits"}
            daemon = DaemonProcess(mosquitto_process.broker, database, settings=settings)
            stack.callback(daemon.close)
            made.append(daemon.start())
        yield made


@pytest.fixture
async def rigs(
    mosquitto_process: MosquittoProcess, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[list[Rig]]:
    """Three rigs that drive; the answer timeout, the laps and the time between two are the test's."""
    timeout_s, laps, interval_s = request.param
    made = [
        Rig(name, tmp_path, mosquitto_process.broker, seed=number, laps=laps, interval_s=interval_s,
            settings={"SENDING__ANSWER_TIMEOUT_S": timeout_s})
        for number, name in enumerate(RIGS)
    ]  # fmt: skip
    for rig in made:
        rig.start()
    yield made
    for rig in made:
        rig.close()


@pytest.mark.parametrize("rigs", [(QUICK_RIG["SENDING__ANSWER_TIMEOUT_S"], 20, 0.4)], indirect=True)
async def test_of_two_daemons_one_is_killed_and_every_lap_is_answered_within_an_answer_timeout(
    daemons: list[DaemonProcess], rigs: list[Rig], database: str
) -> None:
    """What it had in hand the rigs send again, and nothing more is given to it."""
    await eventually(lambda: all(len(daemon.logged("lap stored")) >= 5 for daemon in daemons))

    before = max(await waits_of(rigs, database))
    await asyncio.to_thread(daemons[0].kill)

    waits = await all_stored(rigs, database)
    longest = float(str(QUICK_RIG["SENDING__ANSWER_TIMEOUT_S"])) + max(SLACK_S, SLOWER * before)
    assert max(waits) < longest, (sorted(waits)[-5:], before)


@pytest.mark.long
@pytest.mark.parametrize("rigs", [(60, 40, 1.0)], indirect=True)
async def test_a_rolling_upgrade_keeps_no_lap_waiting_for_longer_than_a_restart(
    daemons: list[DaemonProcess], rigs: list[Rig], database: str
) -> None:
    """Who stops leaves the group first and finishes what it was given, so nothing has to be sent again."""
    restarts = []
    for daemon in daemons:
        before = len(daemon.logged("lap stored"))
        await eventually(partial(stored_more_or_all_driven, daemon, before, rigs))
        began = time.monotonic()
        assert await asyncio.to_thread(daemon.stop) == 0
        await asyncio.to_thread(daemon.start)
        restarts.append(time.monotonic() - began)

    waits = await all_stored(rigs, database)
    assert max(waits) < max(restarts), (sorted(waits)[-5:], restarts)
    assert all(daemon.logged("leaving the shared group") for daemon in daemons)
    assert not [line for daemon in daemons for line in daemon.log if line.get("level") in {"error", "warning"}]
    for rig in rigs:
        assert rig.files.accounts()["sent"] == rig.laps


def stored_more_or_all_driven(daemon: DaemonProcess, before: int, rigs: list[Rig]) -> bool:
    """Whether a daemon stores again, or on a slow machine there is nothing left to be stored."""
    return len(daemon.logged("lap stored")) > before or all(rig.is_done for rig in rigs)


async def all_stored(rigs: list[Rig], database: str) -> list[float]:
    """See every lap stored once and whole. Returns how long each had waited, s."""
    await eventually(lambda: all(rig.is_done and not rig.files.waiting() for rig in rigs), timeout_s=120)
    report = await check(database, [rig.files for rig in rigs])
    assert report.findings == [], report.table()
    assert report.in_database == sum(rig.laps for rig in rigs)
    return await waits_of(rigs, database)


async def waits_of(rigs: list[Rig], database: str) -> list[float]:
    """How long each lap that is stored had waited, s."""
    connection = await asyncpg.connect(database)
    try:
        stored = {row["id"]: row["created_at"] for row in await connection.fetch("select id, created_at from laps")}
    finally:
        await connection.close()
    return [
        stored[UUID(entry["lap_id"])].timestamp() - entry["at"]
        for rig in rigs
        for entry in read_journal(rig.files.journal)
        if entry["event"] == "spooled" and UUID(entry["lap_id"]) in stored
    ]
