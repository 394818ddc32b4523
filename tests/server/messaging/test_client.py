"""The daemon's session with real brokers: what it survives, and what it keeps."""

import asyncio
import uuid

import pytest
from tests.clients import TOPICS
from tests.daemon import DaemonProcess
from tests.infra import DAEMON, Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.messaging.sending import STORED, database_stands_still, number_of_laps, send_all
from tests.server.support import (
    Stored,
    Watcher,
    arrow,
    mqtt_settings,
    new_lap,
    new_laps,
)
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_core.mqtt.connection import Connection


async def test_laps_that_come_while_it_is_away_are_stored_when_it_is_back(
    broker: Broker, database_url: str, stored: Stored, rig: LapClient
) -> None:
    """The session survives a stop: fixed client id, no clean start, a session expiry."""
    instance = f"test-{uuid.uuid4().hex[:8]}"
    with DaemonProcess(broker, database_url, instance=instance) as daemon:
        assert daemon.logged("connected to the broker", session_present=False)
        assert daemon.stop() == 0
        laps = new_laps(3)
        hashes = [await rig.publish(arrow(lap)) for lap in laps]

        await asyncio.to_thread(daemon.start)

        assert daemon.logged("connected to the broker", session_present=True)
        assert {(await rig.answer(sha256)).status for sha256 in hashes} <= STORED
        assert await number_of_laps(stored) == 3


async def test_it_comes_back_to_a_broker_that_was_restarted(
    mosquitto_process: MosquittoProcess, run_app: RunApp, stored: Stored
) -> None:
    """The connection ends, and a new one is made; the heartbeat counts it."""
    broker = mosquitto_process.broker
    async with run_app(broker=broker, health={"interval_s": 0.1}) as app:
        await asyncio.to_thread(mosquitto_process.stop)
        await eventually(lambda: app.client.outgoing is None)
        await asyncio.to_thread(mosquitto_process.start)
        await eventually(lambda: app.client.outgoing is not None)

        assert await send_all(broker, new_laps(2)) == {"success"}
        async with Watcher(broker, app.settings.instance) as watcher:
            beat = await watcher.next_heartbeat()
            assert beat.mqtt.reconnects == 1
            assert beat.mqtt.connected_since is not None
            assert beat.status == "healthy"
            assert watcher.states[-1].online


async def test_a_lap_in_flight_outlives_its_connection(
    mosquitto_process: MosquittoProcess, run_app: RunApp, stored: Stored
) -> None:
    """The broker goes in the middle of a lap: it is committed all the same, comes again, and is a duplicate."""
    broker = mosquitto_process.broker
    lap = new_lap()
    async with run_app(broker=broker) as app:
        async with database_stands_still(stored):
            async with LapClient(broker, "rig-1") as rig:
                sha256 = await rig.publish(arrow(lap))
                await eventually(lambda: app.client._in_flight)
            await asyncio.to_thread(mosquitto_process.stop)
            await asyncio.to_thread(mosquitto_process.start)
            async with LapClient(broker, "rig-1") as rig:
                await eventually(lambda: len(app.client._in_flight) == 2)  # the same lap, of either connection
                await stored.query("select pg_notify('x', 'still locked')")
                assert not rig.has_answer(sha256)
        await eventually(lambda: not app.client._in_flight)
        laps = app.client.status().counts["lap"]

    assert (laps.stored, laps.duplicate, laps.rejected, laps.in_flight) == (1, 1, 0, 0)
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_its_own_restart_in_the_middle_of_a_lap_loses_nothing(
    broker: Broker, database_url: str, stored: Stored, rig: LapClient
) -> None:
    """kill -9 with laps in flight: the broker sends them again."""
    with DaemonProcess(broker, database_url) as daemon:
        laps = new_laps(5)
        async with database_stands_still(stored):
            hashes = [await rig.publish(arrow(lap)) for lap in laps]
            await eventually(lambda: stored.value("select count(*) from pg_locks where not granted"))
            daemon.kill()

        await asyncio.to_thread(daemon.start)

        assert {(await rig.answer(sha256)).status for sha256 in hashes} <= STORED
        assert await number_of_laps(stored) == 5


async def test_a_shared_subscription_serves_as_well(run_app: RunApp, broker: Broker, stored: Stored) -> None:
    """For broker clusters: $share/{group}/ before the filter, and two daemons that share the laps."""
    delivery = {"shared_group": f"g{uuid.uuid4().hex[:8]}"}
    async with run_app(delivery=delivery) as one, run_app(delivery=delivery) as other:
        assert await send_all(broker, new_laps(8)) <= STORED

        done = [app.client.status().counts["lap"] for app in (one, other)]

    assert sum(laps.received for laps in done) == 8
    assert await number_of_laps(stored) == 8


@pytest.mark.mosquitto
async def test_a_retained_lap_comes_once(run_app: RunApp, mosquitto_broker: Broker, stored: Stored) -> None:
    """A rig that publishes with the retain flag: stored when it is published, and not sent with every SUBSCRIBE."""
    retained, last = new_laps(2)
    topic = TOPICS.laps.build(rig="rig-9", car=retained.session.car_id)
    settings = mqtt_settings(mosquitto_broker, "rig-9")
    async with Connection(settings, client_id=uuid.uuid4().hex, clean=True) as rig:
        try:
            async with run_app(broker=mosquitto_broker) as app:
                await rig.publish(topic, arrow(retained), retain=True)
                await eventually(lambda: app.client.status().counts["lap"].stored == 1)
            async with run_app(broker=mosquitto_broker) as app:
                await rig.publish(topic, arrow(last))
                await eventually(lambda: app.client.status().counts["lap"].stored == 1)
                assert app.client.status().counts["lap"].received == 1
        finally:
            await rig.publish(topic, b"", retain=True)

    assert await number_of_laps(stored) == 2


async def test_a_wrong_password_is_waited_out_with_advice(
    mosquitto_process: MosquittoProcess, database_url: str, stored: Stored
) -> None:
    """Not ready, not ended: it says what to check, and is ready once the broker lets it in."""
    process = mosquitto_process
    daemon = DaemonProcess(process.broker, database_url, settings={"MQTT__PASSWORD": "new"}).start(wait=False)
    try:
        await eventually(lambda: daemon.logged("the broker is not reached, waiting"))
        reason = daemon.logged("the broker is not reached, waiting")[0]["reason"]
        assert "RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD" in reason
        assert not daemon.is_ready
        await eventually(lambda: any(state.startswith("STATUS=waiting: ") for state in daemon.notified))

        process.add_user(DAEMON, "new")

        await eventually(lambda: daemon.is_ready)
        assert len(daemon.logged("the broker is not reached, waiting")) == 1
        assert daemon.logged("the broker is reached")
    finally:
        daemon.close()
