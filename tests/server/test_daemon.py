"""The daemon as a process: when it is ready, and what it says."""

import asyncio
import time

from sqlalchemy.engine import make_url
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow, new_lap
from tests.servers import MosquittoProcess, PostgresProcess
from tests.waiting import eventually

from racing_coach_demo.processes import free_port
from racing_coach_server.database.init_db import head_revision


async def test_it_is_ready_when_it_is_migrated_and_subscribed(
    broker: Broker, empty_database_url: str, rig: LapClient
) -> None:
    """At READY=1 the schema is there, and a lap that is published at this moment is stored."""
    stored = Stored(empty_database_url)
    with DaemonProcess(broker, empty_database_url):
        assert await stored.value("select version_num from alembic_version") == head_revision()
        assert (await rig.send(arrow(new_lap()))).status == "success"


async def test_it_feeds_the_watchdog(broker: Broker, database_url: str) -> None:
    """WATCHDOG=1 again and again, and no more often than at half of the interval that systemd asked for."""
    began = time.monotonic()
    with DaemonProcess(broker, database_url, environment={"WATCHDOG_USEC": "400000"}) as daemon:
        await eventually(lambda: daemon.notified.count("WATCHDOG=1") >= 6)
        fed, took_s = daemon.notified.count("WATCHDOG=1"), time.monotonic() - began

    assert fed <= took_s / 0.2 + 1


async def test_it_waits_for_a_database_that_is_not_there_yet(broker: Broker, rig: LapClient) -> None:
    """Database down at start: not ready, not ended, says so once; then it serves."""
    with PostgresProcess() as postgres:
        postgres.stop()
        daemon = DaemonProcess(broker, postgres.url).start(wait=False)
        try:
            await eventually(lambda: daemon.logged("the database is not reached, waiting"))
            await asyncio.sleep(1)
            assert daemon.is_running
            assert not daemon.is_ready
            assert any("STATUS=waiting: " in state for state in daemon.notified)

            await asyncio.to_thread(postgres.start)

            await asyncio.to_thread(daemon.wait_until_ready)
            assert len(daemon.logged("the database is not reached, waiting")) == 1
            assert daemon.logged("the database is reached")
            assert (await rig.send(arrow(new_lap()))).status == "success"
        finally:
            daemon.close()


async def test_it_waits_for_a_broker_that_is_not_there_yet(
    mosquitto_process: MosquittoProcess, empty_database_url: str
) -> None:
    """Broker down at start: migrated, not ready; then it serves."""
    process = mosquitto_process
    process.stop()
    daemon = DaemonProcess(process.broker, empty_database_url).start(wait=False)
    try:
        await eventually(lambda: daemon.logged("the broker is not reached, waiting"))
        assert daemon.logged("database schema upgraded")
        assert not daemon.is_ready

        await asyncio.to_thread(process.start)

        await asyncio.to_thread(daemon.wait_until_ready)
        async with LapClient(process.broker) as rig:
            assert (await rig.send(arrow(new_lap()))).status == "success"
    finally:
        daemon.close()


async def test_sigterm_while_it_waits_ends_it(broker: Broker, database_url: str) -> None:
    """A start that never came to be is stopped like any other: exit code 0, at once."""
    nowhere = str(make_url(database_url).set(port=free_port()).render_as_string(hide_password=False))
    daemon = DaemonProcess(broker, nowhere).start(wait=False)
    try:
        await eventually(lambda: daemon.logged("the database is not reached, waiting"))

        assert await asyncio.to_thread(daemon.stop) == 0
        assert "STOPPING=1" in daemon.notified
    finally:
        daemon.close()


async def test_one_line_for_each_lap(start_daemon: StartDaemon, rig: LapClient) -> None:
    """What became of it, whose it was, how large and how long it took."""
    daemon = start_daemon()
    lap = new_lap()
    payload = arrow(lap)
    await rig.send(payload)
    await rig.send(payload)
    await rig.send(b"no lap")
    await eventually(lambda: daemon.logged("lap rejected"))

    (line,) = daemon.logged("lap stored")
    assert line["lap_id"] == str(lap.lap_id)
    assert (line["rig"], line["car"]) == ("rig-1", lap.session.car_id)
    assert line["bytes"] == len(payload)
    assert line["total_ms"] >= line["commit_ms"] > 0
    assert len(daemon.logged("lap duplicate")) == 1
    assert "neither a JSON object nor an Arrow stream" in daemon.logged("message rejected")[0]["reason"]
    assert all(line.get("is_json", True) for line in daemon.log)
