"""Memory is bounded, whatever the broker has to give; held against real brokers."""

import asyncio
import contextlib
import uuid

from tests.core.mqtt.support import (
    MIB,
    RIG,
    TOPICS,
    connection,
    nothing_comes,
    receive,
)
from tests.infra import DAEMON, Broker
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.mqtt.budget import HeldBytes, ReceiveBudget
from racing_coach_core.mqtt.connection import Connection


async def test_reading_stops_at_the_budget_and_goes_on_with_room(
    any_broker: Broker, rig: Connection, topic: str
) -> None:
    """Whatever the broker has to give, no more than the budget is held, and every message comes in the end."""
    count, size = 40, MIB
    budget = ReceiveBudget(messages=64, bytes=5 * MIB)
    held = HeldBytes()
    async with connection(any_broker, DAEMON, receive_maximum=65_535, budget=budget, held=held) as daemon:
        await daemon.subscribe([topic])
        sending = asyncio.create_task(_publish_all(rig, topic, count, size))
        await eventually(lambda: held.bytes >= budget.bytes)
        await asyncio.sleep(0.5)
        assert held.bytes == budget.bytes  # nothing was released, and nothing more was read

        seen: list[int] = []
        most = 0
        async with asyncio.timeout(TIMEOUT_S):
            async for delivery in daemon.deliveries():
                seen.append(int.from_bytes(delivery.payload[:4]))
                most = max(most, held.bytes)
                delivery.acknowledge()
                delivery.release()
                if len(seen) == count:
                    break
        await sending
    assert seen == list(range(count))
    assert most <= budget.bytes
    assert (held.messages, held.bytes) == (0, 0)


async def _publish_all(rig: Connection, topic: str, count: int, size: int) -> None:
    for number in range(count):
        await rig.publish(topic, number.to_bytes(4) + bytes(size - 4))


async def test_many_small_messages_have_a_budget_too(any_broker: Broker, rig: Connection, topic: str) -> None:
    """The number of messages counts by itself, also while publishes of our own are under way."""
    held = HeldBytes()
    options = {"receive_maximum": 65_535, "budget": ReceiveBudget(messages=10), "held": held}
    async with connection(any_broker, DAEMON, **options) as daemon:
        await daemon.subscribe([topic])
        beats = [asyncio.create_task(daemon.publish(TOPICS.heartbeat.build(instance="x"), b"x")) for _ in range(50)]
        await asyncio.gather(*(rig.publish(topic, b"x") for _ in range(200)))
        await eventually(lambda: held.messages >= 10)
        await asyncio.sleep(0.2)
        assert held.messages == 10
        taken = 0
        async with asyncio.timeout(TIMEOUT_S):
            async for delivery in daemon.deliveries():
                assert held.messages <= 10
                delivery.acknowledge()
                delivery.release()
                if (taken := taken + 1) == 200:
                    break
        await asyncio.gather(*beats)
    assert (held.messages, held.bytes) == (0, 0)


async def test_a_paused_connection_stays_alive(mosquitto_broker: Broker, topic: str) -> None:
    """Neither end gives it up although nothing is read for longer than the broker waits for a keepalive."""
    fields = {"keepalive_s": 5}
    budget = ReceiveBudget(messages=1)
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, fields=fields, budget=budget, receive_maximum=10) as daemon,
    ):
        await daemon.subscribe([topic])
        for number in range(3):
            await rig.publish(topic, b"%d" % number * MIB)
        held = await receive(daemon)
        await asyncio.sleep(9)  # the broker gives up after one and a half times the keepalive
        assert daemon.alive
        held.acknowledge()
        held.release()
        following = await receive(daemon)
        assert following.payload[:1] == b"1"
        assert not following.duplicate
        following.acknowledge()


async def test_the_budget_holds_across_connections(mosquitto_broker: Broker, topic: str) -> None:
    """What an earlier connection still holds counts, and room made there lets the next one read on."""
    held = HeldBytes()
    client_id = uuid.uuid4().hex
    options = {"client_id": client_id, "budget": ReceiveBudget(messages=1), "held": held, "receive_maximum": 10}
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        async with connection(mosquitto_broker, DAEMON, **options) as first:
            await first.subscribe([topic])
            await rig.publish(topic, b"1")
            await rig.publish(topic, b"2")
            slow = await receive(first)
        async with connection(mosquitto_broker, DAEMON, **options) as second:
            again = await receive(second)  # one is always read, or nothing would ever move
            assert held.messages == 2
            assert await nothing_comes(second)
            again.release()
            assert await nothing_comes(second)
            slow.release()
            assert (await receive(second)).payload == b"2"


async def test_giving_up_on_a_message_loses_no_budget(mosquitto_broker: Broker, topic: str) -> None:
    """Whoever stops iterating, at whichever moment, leaves nothing accounted that nobody holds."""
    held = HeldBytes()
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, held=held, receive_maximum=100) as daemon,
    ):
        await daemon.subscribe([topic])
        for number in range(30):
            waiting = asyncio.create_task(anext(daemon.deliveries()))
            sending = asyncio.create_task(rig.publish(topic, b"x"))
            for _ in range(number):
                await asyncio.sleep(0.0002)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                (await waiting).release()
            await sending
        await asyncio.sleep(0.2)
        daemon.drop_waiting()
        assert (held.messages, held.bytes) == (0, 0)
