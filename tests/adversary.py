"""A rig that means harm: what it sends is as costly as we know how, and it never waits for an answer.

Its payloads are within every limit of the broker and the wire. Each of them once held up, or brought down, everything.
"""

import asyncio
import contextlib
import functools
import gzip
import itertools
import json
import random
import uuid
from collections.abc import Callable, Iterator

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError, BrokerRefusedError
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import Topics
from tests.infra import Broker
from tests.laps import frame_json, session_json, to_bytes

TOPICS = Topics()
_MIB = 2**20
_AT_ONCE = 8
"""Messages on their way to the broker, which takes each before the daemon has seen it."""


def _document(frame: bytes, count: int) -> bytes:
    head = to_bytes({"session": session_json()})[:-1]
    return gzip.compress(b'%b,"lap":{"frames":[%b]}}' % (head, b",".join([frame] * count)), 1)


def _frame(more: str) -> bytes:
    return to_bytes(frame_json())[:-1] + more.encode() + b"}"


@functools.cache
def payloads() -> dict[str, Callable[[], bytes]]:
    """What to send, by name; each made when it is first wanted, which takes seconds for all, and kept."""
    made: dict[str, Callable[[], bytes]] = {
        "keys twice, as many as are looked at": lambda: _document(_frame(',"speed":1.0,"speed":1.0'), 10_000),
        "keys twice, in all frames": lambda: _document(_frame(',"speed":1.0,"speed":1.0'), 100_000),
        "timestamps of a kilobyte": lambda: _document(_frame(f',"timestamp":"{"2" * 1_000}"'), 80_000),
        "a document of 90 MiB": lambda: gzip.compress(json.dumps({"x": "y" * 90 * _MIB}).encode(), 1),
        "noise of 15 MiB": lambda: random.Random(1).randbytes(15 * _MIB),
        "a bomb": lambda: gzip.compress(bytes(400 * _MIB), 9),
        "nothing": lambda: b"",
        "a long car": lambda: b"{}",
    }
    return {name: functools.cache(make) for name, make in made.items()}


class Adversary:
    """Publishes as a rig, on and on.

    Args:
        broker: where.
        rig: as whom; its password was stolen.
        seed: of the order.
        pause_s: between two messages of each of its eight hands.
        listens: whether it tries to be given what others send, too.
    """

    def __init__(self, broker: Broker, rig: str, *, seed: int = 0, pause_s: float = 0.0, listens: bool = False) -> None:
        self.sent = 0
        self.overheard = 0
        """Messages of others that it was given."""
        self._pause_s = pause_s
        self._listens = listens
        self._rig = rig
        credentials = broker.credentials(rig)
        self._settings = MqttSettings.model_validate(
            {
                "host": broker.host,
                "port": broker.port,
                "username": credentials and credentials.username,
                "password": credentials and credentials.password,
            }
        )
        self._chance = random.Random(seed)
        self._payloads = {name: make() for name, make in payloads().items()}

    async def run(self) -> None:
        """Publish until cancelled; a connection that ends is made again."""
        messages = self._messages()
        while True:
            connection = Connection(self._settings, client_id=f"adversary-{uuid.uuid4().hex}", clean=True)
            with contextlib.suppress(BrokerError, ExceptionGroup):
                async with connection, asyncio.TaskGroup() as tasks:
                    if self._listens:
                        tasks.create_task(self._listen(connection), name="adversary listens")
                    for _ in range(_AT_ONCE):
                        tasks.create_task(self._publish(connection, messages), name="adversary")
            await asyncio.sleep(0.2)

    async def _listen(self, connection: Connection) -> None:
        laps = TOPICS.laps.filter
        for name in (laps, f"$share/racing-coach/{laps}", f"$share/daemons/{laps}", f"{TOPICS.prefix}/#", "#"):
            with contextlib.suppress(BrokerRefusedError):
                await connection.subscribe([name], qos=0)
        async for delivery in connection.deliveries():
            delivery.release()
            if f"/{self._rig}/" not in delivery.topic:
                self.overheard += 1

    async def _publish(self, connection: Connection, messages: Iterator[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            await connection.publish(topic, payload, retain=self._chance.random() < 0.1)
            self.sent += 1
            await asyncio.sleep(self._pause_s)

    def _messages(self) -> Iterator[tuple[str, bytes]]:
        for number in itertools.count():
            name, payload = self._chance.choice(list(self._payloads.items()))
            car = "c" * 60_000 if name == "a long car" else f"car-{number % 50}"
            yield f"{TOPICS.prefix}/rigs/{self._rig}/cars/{car}/laps", another(payload, number)


def another(payload: bytes, number: int) -> bytes:
    """The same in other bytes, or it would only be counted: of gzip with another time in its head, or it would be none."""
    if payload.startswith(b"\x1f\x8b"):
        return payload[:4] + number.to_bytes(4, "little") + payload[8:]
    return payload + number.to_bytes(8)
