"""The daemon as a process: when it is ready, how it stops, and what it does while broker or database are away."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs
from tests.daemon import DaemonProcess, LapClient, eventually
from tests.infra import Broker, MosquittoProcess, PostgresProcess
from tests.server.conftest import RunApp, StartDaemon
from tests.server.support import Stored, Watcher, app_settings, arrow, connected, new_lap, new_laps, running

from racing_coach_demo.processes import free_port
from racing_coach_server.app import App
from racing_coach_server.database.init_db import head_revision


@asynccontextmanager
async def laps_wait(stored: Stored) -> AsyncIterator[None]:
    """Every lap waits for a lock, for the length of the block."""
    async with connected(stored.url) as other, other.transaction():
        await other.execute("lock table laps in access exclusive mode")
        yield


@contextmanager
def _frozen(process: PostgresProcess) -> Iterator[None]:
    process.freeze()
    try:
        yield
    finally:
        process.thaw()


async def a_lap_waits(stored: Stored) -> bool:
    return bool(await stored.value("select count(*) from pg_locks where not granted"))


# --- ready ---------------------------------------------------------------------------------------------------


async def test_it_is_ready_when_it_is_migrated_and_subscribed(
    broker: Broker, database_url: str, stored: Stored, rig: LapClient
) -> None:
    """At READY=1 the schema is there, and a lap that is published at this moment is stored."""
    with DaemonProcess(broker, database_url):
        assert await stored.value("select version_num from alembic_version") == head_revision()
        assert (await rig.send(arrow(new_lap()))).status == "success"


async def test_it_feeds_the_watchdog(broker: Broker, database_url: str) -> None:
    """WATCHDOG=1 at half of the interval that systemd asked for."""
    with DaemonProcess(broker, database_url, environment={"WATCHDOG_USEC": "400000"}) as daemon:
        before = daemon.notified.count("WATCHDOG=1")
        await asyncio.sleep(2)
        fed = daemon.notified.count("WATCHDOG=1") - before

    assert 7 <= fed <= 11


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
    mosquitto_process: MosquittoProcess, database_url: str
) -> None:
    """Broker down at start: migrated, not ready; then it serves."""
    process = mosquitto_process
    process.stop()
    daemon = DaemonProcess(process.broker, database_url).start(wait=False)
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


def test_sigterm_while_it_waits_ends_it(broker: Broker, database_url: str) -> None:
    """A start that never came to be is stopped like any other: exit code 0, at once."""
    nowhere = str(make_url(database_url).set(port=free_port()).render_as_string(hide_password=False))
    daemon = DaemonProcess(broker, nowhere).start(wait=False)
    try:
        deadline = time.monotonic() + 30
        while not daemon.logged("the database is not reached, waiting"):
            assert time.monotonic() < deadline
            time.sleep(0.05)

        assert daemon.stop(timeout_s=5) == 0
        assert "STOPPING=1" in daemon.notified
    finally:
        daemon.close()


# --- stopping ------------------------------------------------------------------------------------------------


async def test_it_finishes_what_is_in_flight(broker: Broker, database_url: str, stored: Stored, rig: LapClient) -> None:
    """SIGTERM in the middle of a lap: stored, answered, acknowledged, then exit code 0; it does not come again."""
    with DaemonProcess(broker, database_url) as daemon:
        async with laps_wait(stored):
            sha256 = await rig.publish(arrow(new_lap()))
            await eventually(lambda: a_lap_waits(stored))
            daemon.signal(signal.SIGTERM)
            await eventually(lambda: "STOPPING=1" in daemon.notified)
            await asyncio.sleep(0.3)
            assert daemon.is_running

        assert await asyncio.to_thread(daemon.wait) == 0
        assert (await rig.answer(sha256)).status == "success"
        await asyncio.to_thread(daemon.start)
        await asyncio.sleep(0.5)
        assert len(daemon.logged("lap stored")) == 1
        assert daemon.logged("lap duplicate") == []


def test_ctrl_c_stops_it_as_well(broker: Broker, database_url: str) -> None:
    """SIGINT on a terminal is SIGTERM under systemd: no traceback, exit code 0."""
    with DaemonProcess(broker, database_url) as daemon:
        daemon.signal(signal.SIGINT)

        assert daemon.wait() == 0
        assert "STOPPING=1" in daemon.notified
        assert all(line.get("is_json", True) for line in daemon.log)


async def test_what_does_not_finish_in_time_goes_back_to_the_broker(
    broker: Broker, database_url: str, stored: Stored, rig: LapClient
) -> None:
    """After the grace it ends all the same, with 0; the lap is not lost and not half stored."""
    lap = new_lap()
    with DaemonProcess(broker, database_url, settings={"DELIVERY__STOP_GRACE_S": 0.5}) as daemon:
        async with laps_wait(stored):
            sha256 = await rig.publish(arrow(lap))
            await eventually(lambda: a_lap_waits(stored))
            began = time.monotonic()

            assert await asyncio.to_thread(daemon.stop) == 0

            assert time.monotonic() - began < 5
            assert daemon.logged("laps go back to the broker unfinished", laps=1)
            assert not rig.has_answer(sha256)
        assert await stored.counts() == (0, 0, 0)

        await asyncio.to_thread(daemon.start)
        assert (await rig.answer(sha256)).status == "success"
        assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_it_takes_nothing_more_once_it_stops(
    broker: Broker, database_url: str, stored: Stored, rig: LapClient
) -> None:
    """Laps that come after SIGTERM stay with the broker for the next start."""
    first, later = new_laps(2)
    with DaemonProcess(broker, database_url) as daemon:
        async with laps_wait(stored):
            await rig.publish(arrow(first))
            await eventually(lambda: a_lap_waits(stored))
            daemon.signal(signal.SIGTERM)
            await eventually(lambda: "STOPPING=1" in daemon.notified)
            sha256 = await rig.publish(arrow(later))
            await asyncio.sleep(0.3)
        assert await asyncio.to_thread(daemon.wait) == 0
        assert await stored.value("select count(*) from laps") == 1

        await asyncio.to_thread(daemon.start)
        assert (await rig.answer(sha256)).status == "success"


async def test_it_stops_although_the_broker_stands_still(
    mosquitto_process: MosquittoProcess, database_url: str
) -> None:
    """A farewell that nobody hears does not hold it up beyond the timeout."""
    with DaemonProcess(mosquitto_process.broker, database_url, settings={"MQTT__TIMEOUT_S": 1}) as daemon:
        mosquitto_process.freeze()
        try:
            assert await asyncio.to_thread(daemon.stop, 15) == 0
        finally:
            mosquitto_process.thaw()


async def test_it_stops_although_the_database_stands_still(broker: Broker, postgres_process: PostgresProcess) -> None:
    """Connections that answer nothing hold it up no longer than the grace."""
    settings = {"DELIVERY__STOP_GRACE_S": 1}
    with DaemonProcess(broker, postgres_process.url, settings=settings) as daemon, _frozen(postgres_process):
        async with LapClient(broker) as rig:
            await rig.publish(arrow(new_lap()))
            await asyncio.sleep(0.5)

            assert await asyncio.to_thread(daemon.stop, 20) == 0


# --- the database goes and comes back ------------------------------------------------------------------------


@asynccontextmanager
async def on(postgres: PostgresProcess, broker: Broker, **database: float) -> AsyncIterator[App]:
    """The daemon in this process, on a database that can be ill-treated."""
    settings = app_settings(broker, postgres.url, health={"interval_s": 0.2})
    settings.database = settings.database.model_copy(update=database)
    async with running(settings, broker) as app:
        yield app


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_laps_wait_while_the_database_is_away(
    broker: Broker, postgres_process: PostgresProcess, rig: LapClient, how: str
) -> None:
    """Stopped or killed in the middle, and started again: degraded, healthy, every lap stored once, none rejected."""
    laps = new_laps(6)
    with capture_logs() as log:
        async with on(postgres_process, broker) as app, Watcher(broker, app.settings.instance) as watcher:
            assert (await rig.send(arrow(laps[0]))).status == "success"
            hashes = [await rig.publish(arrow(lap)) for lap in laps[1:3]]

            await asyncio.to_thread(getattr(postgres_process, how))
            hashes += [await rig.publish(arrow(lap)) for lap in laps[3:]]
            await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].status == "degraded")
            beat = await watcher.next_heartbeat()
            assert beat.database.status == "unhealthy"
            assert beat.laps.in_flight > 0

            await asyncio.to_thread(postgres_process.start)

            assert {(await rig.answer(sha256)).status for sha256 in hashes} <= {"success", "duplicate"}
            await eventually(lambda: watcher.heartbeats[-1].laps.in_flight == 0)
            await eventually(lambda: watcher.heartbeats[-1].status == "healthy")
            assert watcher.heartbeats[-1].laps.rejected == 0
    assert await Stored(postgres_process.url).counts() == (1, len(laps), sum(lap.frames.num_rows for lap in laps))
    events = [line["event"] for line in log]
    assert events.count("the database is in trouble, laps wait") == 1
    assert events.count("the database is back") == 1


async def test_a_read_only_database_is_waited_out(
    broker: Broker, postgres_process: PostgresProcess, rig: LapClient
) -> None:
    """A failover left us with a standby: laps are tried again, and not rejected."""
    stored = Stored(postgres_process.url)
    async with on(postgres_process, broker) as app, Watcher(broker, app.settings.instance) as watcher:
        await stored.query("alter system set default_transaction_read_only = on")
        await stored.query("select pg_reload_conf()")
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].status == "degraded")
        assert "read-only" in (watcher.heartbeats[-1].database.message or "")
        hashes = [await rig.publish(arrow(new_lap())), await rig.publish(b"no lap")]
        await asyncio.sleep(1)
        assert not any(map(rig.has_answer, hashes))

        await _writable_again(postgres_process)

        assert [(await rig.answer(sha256)).status for sha256 in hashes] == ["success", "rejected"]
        await eventually(lambda: watcher.heartbeats[-1].status == "healthy")


async def _writable_again(process: PostgresProcess) -> None:
    async with connected(process.url) as admin:
        await admin.execute("set default_transaction_read_only = off")
        await admin.execute("alter system reset default_transaction_read_only")
        await admin.execute("select pg_reload_conf()")


async def test_ended_connections_are_made_anew(run_app: RunApp, stored: Stored, rig: LapClient) -> None:
    """pg_terminate_backend on all of them, idle and at work, again and again: every lap stored once."""
    laps = new_laps(30)
    hashes = []
    async with run_app() as app:
        for number, lap in enumerate(laps):
            hashes.append(await rig.publish(arrow(lap)))
            if number % 5 == 0:
                await stored.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
        statuses = [(await rig.answer(sha256)).status for sha256 in hashes]

    assert set(statuses) <= {"success", "duplicate"}
    assert app.health._accounts.snapshot().rejected == 0
    assert await stored.counts() == (1, len(laps), sum(lap.frames.num_rows for lap in laps))


async def test_a_database_that_stands_still_costs_time_only(
    broker: Broker, postgres_process: PostgresProcess, rig: LapClient
) -> None:
    """Frozen for longer than the statement timeout: tried again, stored once."""
    async with on(postgres_process, broker, command_timeout_s=0.7, connect_timeout_s=0.7) as app:
        assert (await rig.send(arrow(new_lap()))).status == "success"
        with _frozen(postgres_process):
            sha256 = await rig.publish(arrow(new_lap()))
            await asyncio.sleep(2.5)
            assert not rig.has_answer(sha256)

        assert (await rig.answer(sha256)).status == "success"
    assert app.health._accounts.snapshot().rejected == 0
    assert (await Stored(postgres_process.url).counts())[1] == 2


# --- what it says --------------------------------------------------------------------------------------------


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
