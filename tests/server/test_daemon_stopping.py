"""The daemon stops: what is in flight is finished, and nothing holds it up."""

import asyncio
import signal
import time

from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.daemon_support import frozen
from tests.server.messaging.sending import database_stands_still
from tests.server.support import Stored, arrow, new_lap, new_laps
from tests.servers import MosquittoProcess, PostgresProcess
from tests.waiting import eventually


async def a_lap_waits(stored: Stored) -> bool:
    return bool(await stored.value("select count(*) from pg_locks where not granted"))


async def test_it_finishes_what_is_in_flight(broker: Broker, database_url: str, stored: Stored, rig: LapClient) -> None:
    """SIGTERM in the middle of a lap: stored, answered, acknowledged, then exit code 0; it does not come again."""
    with DaemonProcess(broker, database_url) as daemon:
        async with database_stands_still(stored):
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
        async with database_stands_still(stored):
            sha256 = await rig.publish(arrow(lap))
            await eventually(lambda: a_lap_waits(stored))
            began = time.monotonic()

            assert await asyncio.to_thread(daemon.stop) == 0

            assert time.monotonic() - began < 30
            assert daemon.logged("laps go back to the broker unfinished", messages=1)
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
        async with database_stands_still(stored):
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
            assert await asyncio.to_thread(daemon.stop) == 0
        finally:
            mosquitto_process.thaw()


async def test_it_stops_although_the_database_stands_still(broker: Broker, postgres_process: PostgresProcess) -> None:
    """Connections that answer nothing hold it up no longer than the grace."""
    settings = {"DELIVERY__STOP_GRACE_S": 1}
    with DaemonProcess(broker, postgres_process.url, settings=settings) as daemon, frozen(postgres_process):
        async with LapClient(broker) as rig:
            await rig.publish(arrow(new_lap()))
            await asyncio.sleep(0.5)

            assert await asyncio.to_thread(daemon.stop) == 0
