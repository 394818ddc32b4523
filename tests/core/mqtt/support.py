"""What the tests of the MQTT adapter share."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.infra import Broker
from tests.waiting import TIMEOUT_S

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import Topics
from racing_coach_demo.processes import LOOPBACK

RIG = "rig-1"
TOPICS = Topics()
MIB = 2**20
DISCONNECT = 0xE0


def settings_for(broker: Broker, user: str, **fields: Any) -> MqttSettings:
    credentials = broker.credentials(user)
    login = {"username": credentials.username, "password": credentials.password} if credentials else {}
    return MqttSettings.model_validate({"host": broker.host, "port": broker.port, **login, **fields})


def connection(broker: Broker, user: str, *, fields: dict[str, Any] | None = None, **options: Any) -> Connection:
    """A connection with a client id of its own, and so a session, unless told which."""
    options = {"client_id": f"{user}-{uuid.uuid4().hex}", **options}
    return Connection(settings_for(broker, user, **(fields or {})), **options)


async def receive(receiver: Connection, timeout_s: float = TIMEOUT_S) -> Delivery:
    async with asyncio.timeout(timeout_s):
        return await anext(receiver.deliveries())


async def caught_up(daemon: Connection) -> None:
    """The broker has read all that the daemon sent; it may see a next connection before the end of this one."""
    await daemon.publish(TOPICS.heartbeat.build(instance="x"), b"x")


async def nothing_comes(receiver: Connection, within_s: float = 0.5) -> bool:
    try:
        await receive(receiver, within_s)
    except TimeoutError:
        return True
    return False


@asynccontextmanager
async def scripted_broker(*packets: bytes) -> AsyncIterator[Connection]:
    """A connection, not yet entered, to what says CONNACK, then these packets, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bytes([0x20, 3, 0, 0, 0]) + b"".join(packets))
        await writer.drain()
        if not packets or packets[-1][0] == DISCONNECT:
            writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Connection(MqttSettings(host=LOOPBACK, port=port), client_id="x", receive_maximum=4)


def published(packet_id: int, topic: bytes, payload: bytes, *, qos: int) -> bytes:
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + b"\0" + payload
    return bytes([0x30 | qos << 1, len(body)]) + body
