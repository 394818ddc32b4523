"""What comes through the wire, held against real brokers, and against brokers that do not keep to the protocol."""

import asyncio
import time
import uuid

import pytest
from tests.core.mqtt.support import (
    MIB,
    RIG,
    TOPICS,
    connection,
    published,
    receive,
    scripted_broker,
)
from tests.infra import DAEMON, Broker

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import (
    ConnectionLostError,
)


async def test_properties_arrive(any_broker: Broker, rig: Connection, topic: str) -> None:
    """Content type, response topic and correlation data, each None where it is not set."""
    async with connection(any_broker, DAEMON, receive_maximum=10) as daemon:
        await daemon.subscribe([topic])

        await rig.publish(
            topic,
            b"with",
            content_type="application/json",
            response_topic="racing-coach/v1/acks/rig-1/x",
            correlation_data=b"\x00\xff",
        )
        await rig.publish(topic, b"without")
        full, bare = await receive(daemon), await receive(daemon)
    assert full.content_type == "application/json"
    assert full.response_topic == "racing-coach/v1/acks/rig-1/x"
    assert full.correlation_data == b"\x00\xff"
    assert (bare.content_type, bare.response_topic, bare.correlation_data, bare.retain) == (None, None, None, False)


async def test_a_lap_of_16_mib_goes_through(any_broker: Broker, rig: Connection, topic: str) -> None:
    """Large messages are read in pieces, and come out whole."""
    payload = uuid.uuid4().bytes * (16 * MIB // 16)
    async with connection(any_broker, DAEMON) as daemon:
        await daemon.subscribe([topic])
        await rig.publish(topic, payload)
        assert (await receive(daemon)).payload == payload


async def test_reading_a_large_message_leaves_time_for_others(mosquitto_broker: Broker, topic: str) -> None:
    """The event loop is not held up by tens of megabytes that arrive."""
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, receive_maximum=10) as daemon,
    ):
        await daemon.subscribe([topic])
        await rig.publish(topic, bytes(16 * MIB))
        longest, stop = 0.0, False

        async def watch() -> None:
            nonlocal longest
            while not stop:
                before = time.thread_time()  # no machine is too busy for it
                await asyncio.sleep(0.001)
                longest = max(longest, time.thread_time() - before)

        watching = asyncio.create_task(watch())
        await receive(daemon)
        stop = True
        await watching
    assert longest < 0.25  # some 20 ms


async def test_retained_messages_say_so(mosquitto_broker: Broker) -> None:
    """A status that waited at the broker is told from one that is new."""
    status = TOPICS.rig_status.build(rig=RIG)
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        await rig.publish(status, b"online", retain=True)
        async with connection(mosquitto_broker, DAEMON, clean=True) as daemon:
            await daemon.subscribe([status])
            assert (await receive(daemon)).retain
        await rig.publish(status, b"", retain=True)


async def test_a_broker_that_sends_qos_2_is_left() -> None:
    """We ask for QoS 1; what comes otherwise is not acknowledged, and so not lost."""
    two = published(1, b"t/a", b"payload of A", qos=2) + published(2, b"t/b", b"payload of B", qos=2)
    async with scripted_broker(two) as unconnected:
        with pytest.raises(ConnectionLostError):
            async with unconnected as left:
                await receive(left)


async def test_a_packet_that_is_no_publish_ends_the_connection() -> None:
    """Properties longer than the packet."""
    async with scripted_broker(bytes([0x32, 6, 0, 1]) + b"t" + bytes([0, 1, 9])) as unconnected:
        with pytest.raises(ConnectionLostError):
            async with unconnected as left:
                await receive(left)
