"""A network of brokers that delivers again what it delivered before, and in another order."""

import asyncio
import random
from collections import defaultdict

import aiomqtt
from aiomqtt import ProtocolVersion

from racing_coach_core.topics import Topics
from tests.infra import DAEMON, Broker

TOPICS = Topics()
_LISTEN_S = 4.0
_MOST = 20


async def republish(broker: Broker, chance: random.Random, *, shuffled: bool) -> None:
    """Listen for a while to the laps that come, then publish each of them again, up to three times, as its rig."""
    heard: defaultdict[str, list[tuple[str, bytes]]] = defaultdict(list)
    try:
        async with asyncio.timeout(_LISTEN_S), _client(broker, DAEMON) as listener:
            await listener.subscribe(TOPICS.laps.filter, qos=1)
            async for message in listener.messages:
                topic = str(message.topic)
                # Whoever means harm takes topics that are none of ours.
                rig = topic.removeprefix(f"{TOPICS.prefix}/rigs/").split("/")[0]
                heard[rig].append((topic, bytes(message.payload)))
    except TimeoutError:
        pass
    for rig, messages in heard.items():
        again = [message for message in messages[:_MOST] for _ in range(chance.randint(1, 3))]
        if shuffled:
            chance.shuffle(again)
        async with _client(broker, rig) as sender:
            for topic, payload in again:
                await sender.publish(topic, payload, qos=1)


def _client(broker: Broker, user: str) -> aiomqtt.Client:
    credentials = broker.credentials(user)
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=credentials and credentials.username,
        password=credentials and credentials.password,
        protocol=ProtocolVersion.V5,
    )
