"""The database goes and comes back under a daemon at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.daemon_support import frozen
from tests.server.support import Stored, Watcher, app_settings, arrow, connected, new_lap, new_laps, running
from tests.servers import PostgresProcess
from tests.waiting import eventually

from racing_coach_server.app import App


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
    assert app.client.status().counts["lap"].rejected == 0
    assert await stored.counts() == (1, len(laps), sum(lap.frames.num_rows for lap in laps))


async def test_a_database_that_stands_still_costs_time_only(
    broker: Broker, postgres_process: PostgresProcess, rig: LapClient
) -> None:
    """Frozen for longer than the statement timeout: tried again, stored once."""
    async with on(postgres_process, broker, command_timeout_s=0.7, connect_timeout_s=0.7) as app:
        assert (await rig.send(arrow(new_lap()))).status == "success"
        with frozen(postgres_process):
            sha256 = await rig.publish(arrow(new_lap()))
            await asyncio.sleep(2.5)
            assert not rig.has_answer(sha256)

        assert (await rig.answer(sha256)).status == "success"
    assert app.client.status().counts["lap"].rejected == 0
    assert (await Stored(postgres_process.url).counts())[1] == 2
