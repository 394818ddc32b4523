"""The daemon's session with real brokers: what it survives, what it keeps, and what it never holds."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.clients import TOPICS
from tests.daemon import DaemonProcess
from tests.infra import DAEMON, Broker, mosquitto_version
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.support import (
    Stored,
    Watcher,
    app_settings,
    arrow,
    connected,
    mqtt_settings,
    new_lap,
    new_laps,
    running,
)
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_core.lap import Lap
from racing_coach_core.mqtt.connection import Connection
from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_server.app import App

STORED = {"success", "duplicate"}
"""A broker that exceeds Receive Maximum is left for a moment, and sends again what was in flight."""


@asynccontextmanager
async def database_stands_still(stored: Stored) -> AsyncIterator[None]:
    """Every lap waits for a lock, for the length of the block."""
    async with connected(stored.url) as other, other.transaction():
        await other.execute("lock table laps in access exclusive mode")
        yield


@pytest.fixture
def rumqttd() -> Iterator[Broker]:
    """A broker that ignores Receive Maximum and sends all that it has."""
    with EmbeddedBroker() as embedded:
        yield Broker(embedded.host, embedded.port, "embedded", "rumqttd")


async def number_of_laps(stored: Stored) -> int:
    value: int = await stored.value("select count(*) from laps")
    return value


async def send_all(broker: Broker, laps: list[Lap]) -> set[str]:
    """Publish laps at once, and wait for all answers; their statuses."""
    async with LapClient(broker, "rig-1") as rig:
        hashes = [await rig.publish(arrow(lap)) for lap in laps]
        return {(await rig.answer(sha256)).status for sha256 in hashes}


# --- a session that lasts ------------------------------------------------------------------------------------


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


# --- bounded -------------------------------------------------------------------------------------------------


async def test_no_more_laps_are_in_hand_than_it_has_slots(run_app: RunApp, broker: Broker, stored: Stored) -> None:
    """However many wait: `concurrency` are worked on, a budget is read, the rest stays with the broker."""
    async with (
        run_app(delivery={"concurrency": 2, "budget": {"messages": 3}}) as app,
        LapClient(broker, "rig-1") as rig,
        LapClient(broker, "rig-2") as other,
    ):
        async with database_stands_still(stored):
            sent = [(sender, await sender.publish(arrow(new_lap()))) for _ in range(6) for sender in (rig, other)]
            await eventually(lambda: len(app.client._in_flight) == 2)
            await asyncio.sleep(0.3)

            assert app.client.status().counts["lap"].in_flight == len(app.client._in_flight) == 2
            assert app.client._held.messages <= 3

        assert {(await sender.answer(sha256)).status for sender, sha256 in sent} <= STORED
    assert app.client._held.messages == app.client._held.bytes == 0


async def test_a_broker_that_sends_all_at_once_is_read_piece_by_piece(
    rumqttd: Broker, database_url: str, stored: Stored
) -> None:
    """The budget is smaller than what the broker has: it is kept, and every lap is answered."""
    settings = app_settings(rumqttd, database_url, delivery={"budget": {"messages": 3}})
    most = 0
    async with running(settings, rumqttd) as app, LapClient(rumqttd) as rig:
        hashes = [await rig.publish(arrow(lap)) for lap in new_laps(25)]
        while await number_of_laps(stored) < 25:
            most = max(most, app.client._held.messages)
            await asyncio.sleep(0.005)

        assert {(await rig.answer(sha256)).status for sha256 in hashes} <= STORED
    assert most <= 3


async def test_a_backlog_larger_than_the_budget_does_not_keep_it_from_subscribing(
    mosquitto_process: MosquittoProcess, database_url: str, stored: Stored
) -> None:
    """mosquitto sends what a session kept before the SUBACK; laps are worked on while that is waited for."""
    environment = {"RACING_COACH_DELIVERY__BUDGET__MESSAGES": "1"}
    with DaemonProcess(mosquitto_process.broker, database_url, environment=environment) as daemon:
        assert daemon.stop() == 0
        async with LapClient(mosquitto_process.broker, "rig-1") as rig:
            hashes = [await rig.publish(arrow(lap)) for lap in new_laps(4)]
            await asyncio.to_thread(daemon.start)
            assert {(await rig.answer(sha256)).status for sha256 in hashes} <= STORED
        assert daemon.logged("connected to the broker", session_present=True)
    assert await number_of_laps(stored) == 4


async def test_one_lap_larger_than_the_budget_is_stored(run_app: RunApp, broker: Broker) -> None:
    """A budget of bytes below a lap's size is no dead end."""
    async with run_app(delivery={"budget": {"bytes": 1000}}):
        assert await send_all(broker, new_laps(5)) <= STORED


async def test_a_full_budget_does_not_keep_it_from_coming_back(
    mosquitto_process: MosquittoProcess, run_app: RunApp, stored: Stored
) -> None:
    """Broker restarted while laps that fill the budget wait for the database: connected again, and all are stored."""
    broker = mosquitto_process.broker
    laps = new_laps(6)
    async with run_app(broker=broker, mqtt={"timeout_s": 1}, delivery={"budget": {"messages": 2}}) as app:
        async with database_stands_still(stored):
            async with LapClient(broker) as rig:
                for lap in laps:
                    await rig.publish(arrow(lap))
                await eventually(lambda: app.client._in_flight)
            await asyncio.to_thread(mosquitto_process.stop)
            await asyncio.to_thread(mosquitto_process.start)
            await asyncio.sleep(1)
        await eventually(lambda: app.client.outgoing is not None)
        await eventually(lambda: _all_stored(stored, len(laps)))
        assert await send_all(broker, laps) == {"duplicate"}


async def _all_stored(stored: Stored, laps: int) -> bool:
    return await number_of_laps(stored) == laps


async def test_a_broker_that_exceeds_receive_maximum_is_asked_for_one_at_a_time(
    mosquitto_process: MosquittoProcess, database_url: str, stored: Stored
) -> None:
    """mosquitto 2.0.11 sends more than it was asked for: said once, asked for 1 from then on, every lap stored.

    A newer one sends what it was asked for, and nothing is said.
    """
    exceeds = mosquitto_version() == "2.0.11"
    broker = mosquitto_process.broker
    with DaemonProcess(broker, database_url, settings={"DELIVERY__CONCURRENCY": 3}) as daemon:
        async with database_stands_still(stored), LapClient(broker) as rig:
            laps = new_laps(40)
            for lap in laps:
                await rig.publish(arrow(lap))
        await eventually(lambda: _all_stored(stored, len(laps)))
        assert await send_all(broker, laps) == {"duplicate"}
        if not exceeds:
            assert not daemon.logged("the broker does not honour Receive Maximum above 1, falling back to 1")
            return

        await eventually(lambda: daemon.logged("connected to the broker", receive_maximum=1))
        (warning,) = daemon.logged("the broker does not honour Receive Maximum above 1, falling back to 1")
        assert warning["asked_for"] == 12
        assert warning["unacknowledged"] > 3
        assert "2.0.21" in warning["remedy"]
        assert len(daemon.logged("connected to the broker", receive_maximum=1)) == 1
        assert not [line for line in daemon.log if line.get("level") == "error"]


# --- refused -------------------------------------------------------------------------------------------------


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
        assert any(state.startswith("STATUS=waiting: ") for state in daemon.notified)

        process.add_user(DAEMON, "new")

        await eventually(lambda: daemon.is_ready)
        assert len(daemon.logged("the broker is not reached, waiting")) == 1
        assert daemon.logged("the broker is reached")
    finally:
        daemon.close()


async def test_the_app_holds_no_message_after_it_has_stopped(run_app: RunApp, broker: Broker) -> None:
    """Nothing is kept of what was done."""
    async with run_app() as app:
        assert await send_all(broker, new_laps(3)) <= STORED
    _assert_empty(app)


def _assert_empty(app: App) -> None:
    assert not app.client._in_flight
    assert app.client._held.messages == 0
