"""PUBACKs leave in the order of receipt, seen at a broker that remembers what is not acknowledged."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests.clients import TOPICS
from tests.infra import DAEMON, Broker
from tests.server.support import mqtt_settings
from tests.waiting import eventually

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_server.messaging.ordered_acks import OrderedAcks

LAPS = TOPICS.laps.build(rig="rig-3", car="acks")

type Daemon = Callable[[], AbstractAsyncContextManager[Connection]]


@pytest.fixture
async def daemon(broker: Broker) -> AsyncIterator[Daemon]:
    """Connections of one session, one after another."""
    client_id = f"acks-{uuid.uuid4().hex}"
    settings = mqtt_settings(broker, DAEMON)
    yield lambda: Connection(settings, client_id=client_id, receive_maximum=20)
    async with Connection(settings, client_id=client_id, clean=True):
        pass  # the session ends with this


async def publish(broker: Broker, *payloads: bytes) -> None:
    async with Connection(mqtt_settings(broker, "rig-3"), client_id=uuid.uuid4().hex, clean=True) as rig:
        for payload in payloads:
            await rig.publish(LAPS, payload)


async def take(connection: Connection, count: int) -> list[Delivery]:
    deliveries = []
    async for delivery in connection.deliveries():
        deliveries.append(delivery)
        if len(deliveries) == count:
            break
    return deliveries


async def test_a_message_waits_for_those_before_it(broker: Broker, daemon: Daemon) -> None:
    """Done last to first: nothing is acknowledged before the first is, then all are."""
    async with daemon() as connection:
        await connection.subscribe([LAPS])
        await publish(broker, b"1", b"2", b"3")
        first, second, third = await take(connection, 3)
        acks = OrderedAcks()
        for delivery in (first, second, third):
            acks.took(delivery.receipt)

        unacknowledged = []
        for delivery in (third, first, second):
            acks.done(delivery.receipt)
            unacknowledged.append(connection.unacknowledged)

        assert unacknowledged == [3, 2, 0]
        assert len(acks) == 0


async def test_what_waits_for_another_comes_again_with_it(broker: Broker, daemon: Daemon) -> None:
    """The second is done, the first is not, the connection ends: both come again, the acknowledged one does not."""
    async with daemon() as connection:
        await connection.subscribe([LAPS])
        await publish(broker, b"0", b"1", b"2")
        zeroth, first, second = await take(connection, 3)
        acks = OrderedAcks()
        for delivery in (zeroth, first, second):
            acks.took(delivery.receipt)
        acks.done(zeroth.receipt)
        acks.done(second.receipt)
        await publish(broker, b"end")  # behind which the PUBACK has arrived
        await take(connection, 1)

    async with daemon() as connection:
        assert connection.session_present
        again = await take(connection, 3)

    assert [delivery.payload for delivery in again] == [b"1", b"2", b"end"]
    if broker.kind != "embedded":  # rumqttd sends again without DUP
        assert [delivery.duplicate for delivery in again] == [True, True, True]


async def test_an_acknowledgement_never_goes_to_another_connection(broker: Broker, daemon: Daemon) -> None:
    """Packet ids are used anew on each connection: a late PUBACK there would lose another lap."""
    async with daemon() as connection:
        await connection.subscribe([LAPS])
        await publish(broker, b"1")
        (stale,) = await take(connection, 1)
        acks = OrderedAcks()
        acks.took(stale.receipt)

    async with daemon() as connection:
        (again,) = await take(connection, 1)
        with pytest.raises(ConnectionLostError):
            acks.done(stale.receipt)
        assert connection.unacknowledged == 1

        again.acknowledge()
        await eventually(lambda: connection.unacknowledged == 0)
