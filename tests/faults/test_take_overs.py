"""Sessions that are lost, taken over or shared, and nobody there to mend it.

What is marked long is, without rigs and their laps, in test_takeover.py and test_client.py of tests/server/messaging too.
"""

import asyncio
import contextlib
import signal

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from racing_coach_demo.processes import LOOPBACK
from racing_coach_server.exceptions import EXIT_CONFIGURATION
from tests.daemon import DaemonProcess
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.settings import KEEPALIVE_S, QUICK_DAEMON
from tests.faults.trouble import all_stored
from tests.infra import DAEMON, Broker
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto]


async def test_a_broker_that_forgets_everything_stops_nothing(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Sessions, subscriptions and queued laps may all be gone: daemon and rig subscribe and send again."""
    with DaemonProcess(mosquitto_process.broker, database, settings=QUICK_DAEMON) as daemon:
        rig.start()
        await eventually(lambda: rig.driven)
        # Laps that only the broker holds, as far as anybody there can see.
        daemon.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(mosquitto_process.kill)
        mosquitto_process.forget()
        await asyncio.to_thread(mosquitto_process.start)
        daemon.signal(signal.SIGCONT)
        await all_stored(rig, database)


@pytest.mark.long
async def test_a_second_daemon_with_the_same_client_id_refuses_to_start(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """It names the client id and ends with a code on which systemd does not try again; the first one goes on."""
    broker = mosquitto_process.broker
    with DaemonProcess(broker, database, settings=QUICK_DAEMON) as first:
        rig.start()
        await eventually(lambda: first.logged("lap stored"))
        second = DaemonProcess(broker, database, settings={**QUICK_DAEMON, "MQTT__CLIENT_ID": first.client_id})
        second.start(wait=False)
        assert await asyncio.to_thread(second.wait) == EXIT_CONFIGURATION
        assert first.client_id in second.text
        await all_stored(rig, database)
        assert len(first.logged("connected to the broker")) == 1
        second.client_id = f"{first.client_id}-unused"  # its session is the first one's
        second.close()


@pytest.mark.long
async def test_two_daemons_with_one_client_id_end_as_one(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A daemon that was thought dead comes back: one of the two gives way for good, and laps are stored throughout."""
    broker = mosquitto_process.broker
    daemons = [DaemonProcess(broker, database, instance="first", settings=QUICK_DAEMON)]
    daemons.append(
        DaemonProcess(
            broker, database, instance="second", settings={**QUICK_DAEMON, "MQTT__CLIENT_ID": daemons[0].client_id}
        )
    )
    first, second = daemons
    try:
        await asyncio.to_thread(first.start)
        rig.start()
        await eventually(lambda: first.logged("lap stored"))
        first.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5 * KEEPALIVE_S + 1)
        await asyncio.to_thread(second.start)
        first.signal(signal.SIGCONT)
        await eventually(lambda: first.is_running != second.is_running)
        gone = first if not first.is_running else second
        assert await asyncio.to_thread(gone.wait) == EXIT_CONFIGURATION
        await all_stored(rig, database)
        await asyncio.sleep(2)
        assert first.is_running != second.is_running
    finally:
        for daemon in daemons:
            await asyncio.to_thread(daemon.close)


@pytest.mark.long
async def test_a_shared_subscription_outlives_one_of_its_daemons(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """What a broker strands with a dead member of the group, or forgets, the rig sends again, and the other stores."""
    settings = {**QUICK_DAEMON, "DELIVERY__SHARED_GROUP": "daemons"}
    daemons = [DaemonProcess(mosquitto_process.broker, database, settings=settings) for _ in range(2)]
    try:
        for daemon in daemons:
            await asyncio.to_thread(daemon.start)
        rig.start()
        await eventually(lambda: all(daemon.logged("lap stored") for daemon in daemons))
        await asyncio.to_thread(daemons[0].kill)
        await all_stored(rig, database)
    finally:
        for daemon in daemons:
            await asyncio.to_thread(daemon.close)


@pytest.mark.long
async def test_a_take_over_by_nobody_in_particular_does_not_end_the_daemon(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A connection with our client id that is no daemon, such as an old one of our own, is got over."""
    broker = mosquitto_process.broker
    with DaemonProcess(broker, database, settings=QUICK_DAEMON) as daemon:
        rig.start()
        await eventually(lambda: daemon.logged("lap stored"))
        for _ in range(2):
            connects = len(daemon.logged("connected to the broker"))
            await _take_over(broker, daemon.client_id)
            await eventually(lambda n=connects: len(daemon.logged("connected to the broker")) > n)
        await all_stored(rig, database)
        assert daemon.is_running


@pytest.mark.long
async def test_a_half_open_connection_that_comes_back_late_does_not_end_the_daemon(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A CONNECT of ours that the network held back for long takes our own session over, and is got over."""
    broker = mosquitto_process.broker
    async with Proxy(broker.port) as proxy:
        through = Broker(LOOPBACK, proxy.port, broker.kind, broker.version, broker.passwords)
        daemon = DaemonProcess(through, database, settings=QUICK_DAEMON)
        try:
            await asyncio.to_thread(daemon.start)
            rig.start()
            await eventually(lambda: daemon.logged("lap stored"))
            proxy.hold()
            proxy.cut()
            await eventually(lambda: len(proxy.links) >= 2)  # connections whose CONNECT goes nowhere
            held = proxy.strand()
            connects = len(daemon.logged("connected to the broker"))
            proxy.let_new_ones_pass()
            await eventually(lambda: len(daemon.logged("connected to the broker")) > connects)
            for link in held:
                link.flowing.set()
            await all_stored(rig, database)
            await asyncio.sleep(2)
            assert daemon.is_running
            assert await asyncio.to_thread(daemon.stop) == 0
        finally:
            await asyncio.to_thread(daemon.close)


async def _take_over(broker: Broker, client_id: str) -> None:
    credentials = broker.credentials(DAEMON)
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = 3600
    with contextlib.suppress(aiomqtt.MqttError):
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=credentials and credentials.username,
            password=credentials and credentials.password,
            identifier=client_id,
            protocol=ProtocolVersion.V5,
            clean_start=False,
            properties=session,
        ):
            await asyncio.sleep(0.2)
