"""Every message that leaves is answered, refused, or lost with its connection; held against real brokers."""

import asyncio

import pytest
from tests.core.mqtt.support import (
    RIG,
    TOPICS,
    connection,
)
from tests.infra import DAEMON, Broker
from tests.servers import MosquittoProcess

from racing_coach_core.exceptions import Fault
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import (
    ConnectionLostError,
    PacketTooLargeError,
    PublishRefusedError,
)
from racing_coach_core.settings import MqttSettings
from racing_coach_demo.processes import LOOPBACK


async def test_a_refused_message_is_an_error(mosquitto_broker: Broker) -> None:
    """PUBACK 0x87, which paho takes for success, is told, in words, and the connection goes on."""
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        with pytest.raises(PublishRefusedError, match="not authorised") as raised:
            await rig.publish(TOPICS.laps.build(rig="rig-2", car="x"), b"forged")
        assert (raised.value.code, raised.value.fault) == (0x87, Fault.WORLD)
        assert rig.alive
        await rig.publish(TOPICS.laps.build(rig=RIG, car="x"), b"own")


async def test_whether_anybody_is_subscribed(mosquitto_broker: Broker, topic: str) -> None:
    """PUBACK 0x10 says that nobody gets the message; a session that is away counts as somebody."""
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        assert await rig.publish(topic, b"for nobody") is False
        async with connection(mosquitto_broker, DAEMON) as daemon:
            await daemon.subscribe([topic])
            assert await rig.publish(topic, b"for the daemon") is True
        assert await rig.publish(topic, b"for the daemon, later") is True


async def test_many_at_once_get_each_its_own_answer(mosquitto_broker: Broker, topic: str) -> None:
    """A hundred messages under way, some refused: every caller learns what became of its own."""
    forged = TOPICS.laps.build(rig="rig-2", car="x")
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        found = await asyncio.gather(
            *(rig.publish(forged if number % 3 == 0 else topic, b"x" * number) for number in range(100)),
            return_exceptions=True,
        )
    for number, outcome in enumerate(found):
        assert isinstance(outcome, PublishRefusedError) if number % 3 == 0 else outcome is False


async def test_a_packet_the_broker_would_not_take_is_never_sent(need_mosquitto: None) -> None:
    """The limit of the CONNACK is kept to, so that one lap too large does not end the connection of all."""
    with MosquittoProcess(settings={"max_packet_size": "20000"}) as process:
        async with connection(process.broker, RIG, clean=True) as rig:
            assert rig.maximum_packet_size == 20_000
            lap = TOPICS.laps.build(rig=RIG, car="x")
            with pytest.raises(PacketTooLargeError, match="max_packet_size") as raised:
                await rig.publish(lap, bytes(20_000))
            assert (raised.value.limit, raised.value.fault) == (20_000, Fault.SENDER)
            await rig.publish(lap, bytes(18_000))


async def test_no_puback_is_an_error_in_time(mosquitto_process: MosquittoProcess) -> None:
    """A broker that answers nothing more ends the wait, and the connection, after the timeout."""
    async with connection(mosquitto_process.broker, RIG, fields={"timeout_s": 0.5}) as rig:
        mosquitto_process.freeze()
        with pytest.raises(ConnectionLostError, match=r"no PUBACK for .* within 0.5 s"):
            await rig.publish(TOPICS.rig_status.build(rig=RIG), b"x")
        assert not rig.alive
        mosquitto_process.thaw()


async def test_no_more_are_under_way_than_the_broker_takes() -> None:
    """The broker's own Receive Maximum, 2, is kept to: over it a broker ends the connection (MQTT 5, 4.9)."""
    under_way = most = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        await _packet(reader)
        writer.write(bytes([0x20, 6, 0, 0, 3, 0x21, 0, 2]))  # CONNACK with Receive Maximum 2
        waiting: list[bytes] = []
        for _ in range(6):
            waiting.append(await _packet_id(reader))
            under_way += 1
            most = max(most, under_way)
            if under_way == 2:
                await asyncio.sleep(0.1)  # for one more than it takes, if there were one
                under_way -= 1
                writer.write(bytes([0x40, 2]) + waiting.pop(0))
        for packet_id in waiting:
            writer.write(bytes([0x40, 2]) + packet_id)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Connection(MqttSettings(host=LOOPBACK, port=port), client_id="x") as rig:
            await asyncio.gather(*(rig.publish("t", b"x") for _ in range(6)))

    assert most == 2


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """One packet of less than 128 bytes, without its first two."""
    return await reader.readexactly((await reader.readexactly(2))[1])


async def _packet_id(reader: asyncio.StreamReader) -> bytes:
    """The packet id of a PUBLISH on a topic of one letter."""
    return (await _packet(reader))[3:5]
