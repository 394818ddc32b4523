"""State and heartbeats: what monitoring sees, and that it is true."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tests.clients import forget
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp, StartDaemon
from tests.server.support import Stored, Watcher, app_settings, arrow, as_json, connected, new_lap, new_laps, running
from tests.servers import PostgresProcess
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.messages import Heartbeat
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.app import App
from racing_coach_server.config import VERSION
from racing_coach_server.database.engine import Database
from racing_coach_server.health.exceptions import DatabaseUnhealthyError
from racing_coach_server.health.service import HealthService

INTERVAL_S = 0.25


def adds_up(beat: Heartbeat) -> bool:
    laps = beat.laps
    return laps.received == laps.stored + laps.duplicate + laps.rejected + laps.in_flight


async def test_the_payloads_are_the_contracts(run_app: RunApp, broker: Broker) -> None:
    """The fields of docs/wire-format.md, by name, in state and heartbeat."""
    async with run_app(health={"interval_s": INTERVAL_S}) as app, Watcher(broker, app.settings.instance) as watcher:
        beat = await watcher.next_heartbeat()
        await eventually(lambda: watcher.states)

    (state, *_) = [raw for raw in watcher.raw if "online" in raw]
    assert {"online", "instance", "version", "timestamp"} <= set(state)
    assert state["online"] is True
    assert state["instance"] == app.settings.instance
    assert watcher.retained[0]
    (raw, *_) = [raw for raw in watcher.raw if "laps" in raw]
    assert set(raw) == {
        *("instance", "version", "timestamp", "uptime_s", "status", "mqtt", "database", "laps"),
        *("frames_stored", "rss_bytes", "features"),
    }
    assert {"connected_since", "reconnects"} <= set(raw["mqtt"])
    assert set(raw["database"]) == {"status", "latency_ms", "message"}
    assert set(raw["laps"]) == {
        *("received", "stored", "duplicate", "rejected", "in_flight", "oldest_in_flight_s", "last_stored_at"),
    }
    assert (beat.instance, beat.version, beat.status) == (app.settings.instance, VERSION, "healthy")
    assert beat.database.latency_ms is not None
    assert beat.rss_bytes > 2**20
    assert abs(beat.timestamp - datetime.now(UTC)) < timedelta(seconds=10)


async def test_heartbeats_come_at_the_interval_and_add_up_while_laps_arrive(
    run_app: RunApp, broker: Broker, stored: Stored, rig: LapClient
) -> None:
    """Every one of them: received == stored + duplicate + rejected + in_flight; at the end, what was sent."""
    async with run_app(health={"interval_s": INTERVAL_S}) as app, Watcher(broker, app.settings.instance) as watcher:
        laps = new_laps(30)
        hashes = []
        for lap in laps:
            hashes += [await rig.publish(payload) for payload in (arrow(lap), as_json(lap), arrow(lap)[:999])]
        for sha256 in hashes:
            await rig.answer(sha256)
        beat = await watcher.next_heartbeat()
        beat = await watcher.next_heartbeat()

    assert all(adds_up(each) for each in watcher.heartbeats)
    assert any(each.laps.in_flight for each in watcher.heartbeats)
    assert beat.laps.stored == len(laps)
    # A broker that exceeds Receive Maximum is left once, and sends again what was in flight.
    assert beat.laps.duplicate >= len(laps)
    assert beat.laps.rejected >= len(laps)
    assert beat.laps.in_flight == 0
    assert beat.laps.oldest_in_flight_s is None
    assert beat.frames_stored == sum(lap.frames.num_rows for lap in laps) == (await stored.counts())[2]
    assert beat.laps.last_stored_at is not None
    times = [each.uptime_s for each in watcher.heartbeats]
    # A busy machine makes them later; only the first may be so late that the second follows at once.
    assert times[-1] - times[0] >= (len(times) - 2) * INTERVAL_S


async def test_a_heartbeat_is_not_retained(run_app: RunApp, broker: Broker) -> None:
    """Who comes later hears the state at once, and no old heartbeat."""
    instance = f"test-{uuid.uuid4().hex[:12]}"
    async with Watcher(broker, instance) as early, run_app(instance=instance, health={"interval_s": 3600}):
        await eventually(lambda: early.heartbeats)
        async with Watcher(broker, instance) as late:
            await eventually(lambda: late.states)
            await asyncio.sleep(0.2)
            assert late.heartbeats == []


async def test_a_stop_right_after_it_said_online_says_offline(broker: Broker, database_url: str) -> None:
    """SIGTERM between the word and the moment from which laps are taken: the retained state must not stay."""
    app = App(app_settings(broker, database_url))
    say_online = app.client._on_connect

    async def and_stop(connection: Connection) -> None:
        await say_online(connection)
        app._stop.set()
        await asyncio.sleep(3600)

    app.client._on_connect = and_stop
    try:
        async with Watcher(broker, app.settings.instance) as watcher:
            await asyncio.wait_for(app.run(), TIMEOUT_S)
            await eventually(lambda: watcher.states and not watcher.states[-1].online)
    finally:
        await asyncio.to_thread(forget, broker, app.settings.client_id, app.settings.instance)

    assert [state.online for state in watcher.states] == [True, False]


async def test_a_killed_daemon_is_offline_by_its_will(start_daemon: StartDaemon, broker: Broker) -> None:
    """kill -9: the broker says `online: false`, retained, in the daemon's name; a new start says `online: true`."""
    daemon = start_daemon()
    async with Watcher(broker, daemon.instance) as watcher:
        await eventually(lambda: watcher.states)
        daemon.kill()
        await eventually(lambda: not watcher.states[-1].online)

    async with Watcher(broker, daemon.instance) as later:
        await eventually(lambda: later.states)
        assert not later.states[-1].online
        assert later.retained == [True]
        assert later.states[-1].instance == daemon.instance
        await asyncio.to_thread(daemon.start)
        await eventually(lambda: later.states[-1].online)


async def test_a_stopped_daemon_says_so_itself_once(start_daemon: StartDaemon, broker: Broker) -> None:
    """SIGTERM: one `online: false`, its own and not the will's too, retained; exit code 0."""
    daemon = start_daemon()
    async with Watcher(broker, daemon.instance) as watcher:
        await eventually(lambda: watcher.states)
        began = datetime.now(UTC)

        assert await asyncio.to_thread(daemon.stop) == 0

        await eventually(lambda: not watcher.states[-1].online)
        await asyncio.sleep(0.3)
        assert [state.online for state in watcher.states] == [True, False]
        assert watcher.states[-1].timestamp >= began
    async with Watcher(broker, daemon.instance) as later:
        await eventually(lambda: later.states)
        assert later.retained == [True]


async def test_a_database_that_is_away_shows_and_so_does_its_return(
    broker: Broker, postgres_process: PostgresProcess
) -> None:
    """No lap is needed to see it: unhealthy with a reason and without latency, then healthy again."""
    settings = app_settings(broker, postgres_process.url, health={"interval_s": 0.1})
    async with running(settings, broker) as app, Watcher(broker, app.settings.instance) as watcher:
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].status == "healthy")

        await asyncio.to_thread(postgres_process.stop)
        await eventually(lambda: watcher.heartbeats[-1].status == "degraded")
        beat = watcher.heartbeats[-1]
        assert beat.database.status == "unhealthy"
        assert beat.database.message
        assert beat.database.latency_ms is None

        await asyncio.to_thread(postgres_process.start)
        await eventually(lambda: watcher.heartbeats[-1].status == "healthy")


async def test_a_database_that_stands_still_does_not_stop_the_heartbeat(
    broker: Broker, postgres_process: PostgresProcess
) -> None:
    """Connections that stay open and answer nothing: `degraded` after the timeout, heartbeats all along."""
    settings = app_settings(broker, postgres_process.url, health={"interval_s": 0.1, "database_timeout_s": 0.3})
    async with running(settings, broker) as app, Watcher(broker, app.settings.instance) as watcher:
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].status == "healthy")

        postgres_process.freeze()
        await eventually(lambda: watcher.heartbeats[-1].status == "degraded")
        assert "no answer within 0.3 s" in (watcher.heartbeats[-1].database.message or "")
        for _ in range(3):
            assert (await watcher.next_heartbeat()).status == "degraded"

        postgres_process.thaw()
        await eventually(lambda: watcher.heartbeats[-1].status == "healthy")


async def test_the_age_of_the_oldest_lap_in_flight_is_told(
    run_app: RunApp, broker: Broker, stored: Stored, rig: LapClient
) -> None:
    """A lap that waits shows by how long."""
    async with run_app(health={"interval_s": 0.1}) as app, Watcher(broker, app.settings.instance) as watcher:
        async with connected(stored.url) as other, other.transaction():
            await other.execute("lock table laps in access exclusive mode")
            sha256 = await rig.publish(arrow(new_lap()))
            await eventually(lambda: watcher.heartbeats and (watcher.heartbeats[-1].laps.oldest_in_flight_s or 0) > 0.5)
            assert watcher.heartbeats[-1].laps.in_flight == 1
            assert watcher.heartbeats[-1].database.status == "healthy"
        assert (await rig.answer(sha256)).status == "success"


async def test_the_check_measures_the_answer(database: Database) -> None:
    """A question to a database in order: healthy, with its latency."""
    async with database.transaction() as session:
        began = time.perf_counter()
        health = await HealthService(session).check()
        took_ms = 1000 * (time.perf_counter() - began)

    assert health.status == "healthy"
    assert health.latency_ms is not None
    assert 0 < health.latency_ms <= took_ms + 1


async def test_a_read_only_database_is_not_healthy(database: Database, stored: Stored) -> None:
    """A standby answers, and stores nothing."""
    name = await stored.value("select current_database()")
    await stored.query(f'alter database "{name}" set default_transaction_read_only = on')
    await database.engine.dispose()

    async with database.transaction() as session:
        with pytest.raises(DatabaseUnhealthyError, match="read-only"):
            await HealthService(session).check()
