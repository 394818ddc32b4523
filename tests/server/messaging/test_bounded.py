"""However much a broker sends: no more is held than was asked for."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.daemon import DaemonProcess
from tests.infra import Broker, mosquitto_version
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.messaging.sending import STORED, all_stored, database_stands_still, number_of_laps, send_all
from tests.server.support import (
    Stored,
    app_settings,
    arrow,
    new_lap,
    new_laps,
    running,
)
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_server.app import App


@pytest.fixture
def rumqttd() -> Iterator[Broker]:
    """A broker that ignores Receive Maximum and sends all that it has."""
    with EmbeddedBroker() as embedded:
        yield Broker(embedded.host, embedded.port, "embedded", "rumqttd")


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
        await eventually(lambda: all_stored(stored, len(laps)))
        assert await send_all(broker, laps) == {"duplicate"}


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
        await eventually(lambda: all_stored(stored, len(laps)))
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


async def test_the_app_holds_no_message_after_it_has_stopped(run_app: RunApp, broker: Broker) -> None:
    """Nothing is kept of what was done."""
    async with run_app() as app:
        assert await send_all(broker, new_laps(3)) <= STORED
    _assert_empty(app)


def _assert_empty(app: App) -> None:
    assert not app.client._in_flight
    assert app.client._held.messages == 0
