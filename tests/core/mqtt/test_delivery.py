"""Acknowledging, and what comes again, held against real brokers."""

import uuid

import pytest
from tests.core.mqtt.support import (
    RIG,
    caught_up,
    connection,
    nothing_comes,
    receive,
)
from tests.infra import DAEMON, Broker

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import (
    ConnectionLostError,
)


async def test_what_is_not_acknowledged_comes_again(any_broker: Broker, rig: Connection, topic: str) -> None:
    """On the next connection, marked as a duplicate, and never after it was acknowledged."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as first:
        await first.subscribe([topic])
        assert not first.session_present
        await rig.publish(topic, b"a lap")
        taken = await receive(first)
        assert (taken.topic, taken.payload, taken.qos, taken.duplicate) == (topic, b"a lap", 1, False)
        assert await nothing_comes(first)
    async with connection(any_broker, DAEMON, client_id=client_id) as second:
        assert second.session_present
        again = await receive(second)
        assert (again.topic, again.payload) == (topic, b"a lap")
        assert again.duplicate or any_broker.kind == "embedded"  # rumqttd does not say so
        again.acknowledge()
        await caught_up(second)
    async with connection(any_broker, DAEMON, client_id=client_id) as third:
        assert third.session_present
        assert await nothing_comes(third)


async def test_a_session_outlives_its_connection(any_broker: Broker, rig: Connection, topic: str) -> None:
    """What was published while the client was gone waits for it, although it vanished without a word."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
        daemon.abort()
    await rig.publish(topic, b"1")
    await rig.publish(topic, b"2")
    async with connection(any_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
        assert daemon.session_present
        assert [(await receive(daemon)).payload for _ in range(2)] == [b"1", b"2"]


async def test_a_clean_connection_leaves_nothing_behind(any_broker: Broker, topic: str) -> None:
    """A look at the broker makes no session."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id, clean=True) as daemon:
        await daemon.subscribe([topic])
    async with connection(any_broker, DAEMON, client_id=client_id) as daemon:
        assert not daemon.session_present


async def test_acknowledgements_belong_to_their_connection(any_broker: Broker, rig: Connection, topic: str) -> None:
    """On another connection a PUBACK would hit another message, so it is refused, and so is one on a dead one."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as first:
        await first.subscribe([topic])
        await rig.publish(topic, b"a lap")
        old = await receive(first)
    with pytest.raises(ConnectionLostError, match="is gone"):
        old.acknowledge()
    async with connection(any_broker, DAEMON, client_id=client_id) as second:
        with pytest.raises(ConnectionLostError, match="is gone"):
            second.acknowledge(old.receipt)
        (await receive(second)).acknowledge()


async def test_several_are_acknowledged_in_any_order(mosquitto_broker: Broker, topic: str) -> None:
    """Each PUBACK is for its own message: the one left out is the one that comes again."""
    client_id = uuid.uuid4().hex
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        async with connection(mosquitto_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
            await daemon.subscribe([topic])
            for number in range(5):
                await rig.publish(topic, b"%d" % number)
            taken = [await receive(daemon) for _ in range(5)]
            assert (daemon.unacknowledged, daemon.most_unacknowledged) == (5, 5)
            for index in (4, 0, 3, 1):
                taken[index].acknowledge()
            assert daemon.unacknowledged == 1
            await caught_up(daemon)
        async with connection(mosquitto_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
            assert (await receive(daemon)).payload == b"2"
            assert await nothing_comes(daemon)


async def test_subscribing_again_keeps_the_queue(mosquitto_broker: Broker, topic: str) -> None:
    """SUBSCRIBE goes out on every connection, also when the session is there; what waits is delivered once."""
    client_id = uuid.uuid4().hex
    async with connection(mosquitto_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        await rig.publish(topic, b"a lap")
    async with connection(mosquitto_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
        (await receive(daemon)).acknowledge()
        assert await nothing_comes(daemon)
