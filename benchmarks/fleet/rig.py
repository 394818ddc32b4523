"""One rig of a fleet: drives, and keeps each lap in its outbox until it is answered."""

import asyncio
import contextlib
import hashlib
import json
import random
import time
import uuid
from dataclasses import dataclass, field

from benchmarks.fleet.circuits import STINT, Circuit
from benchmarks.fleet.connection import FleetConnection
from racing_coach_core.backoff import Backoff
from racing_coach_core.codecs.decode import CONTENT_TYPES
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap
from racing_coach_core.topics import Topics

WINDOW = 4
"""Laps sent and not answered, as the project's rig has it."""
ANSWER_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_CAP_S = 600.0
_PING_S = 60.0
_CONTENT_TYPE = CONTENT_TYPES[Encoding.ARROW]


@dataclass(slots=True)
class Driven:
    """What a rig knows of one of its laps. Times in s of the monotonic clock.

    Attributes:
        lap: what was driven.
        payload: in the outbox: there until the lap is answered.
        wire: bytes of the payload.
        finished: when the car crossed the line.
        sent: how often it was published.
        answered: when the first answer came that ends it; the others are only counted.
        advised: when the coach spoke of it.
    """

    rig: str
    lap_id: uuid.UUID
    session_id: uuid.UUID
    number: int
    lap: Lap = field(repr=False)
    finished: float
    payload: tuple[bytes, memoryview] | None = field(default=None, repr=False)
    wire: int = 0
    sha256: str = ""
    sent: int = 0
    last_sent: float = 0.0
    status: str | None = None
    answers: int = 0
    answered: float | None = None
    advised: float | None = None
    advice: int = 0


class FleetRig:
    """One rig. Its laps begin when it is made; the first is under way by a share of it that chance decides."""

    def __init__(self, name: str, password: str, circuit: Circuit, laps: list[Driven], chance: random.Random) -> None:
        self.name = name
        self.circuit = circuit
        self.reconnects = 0
        self._password = password
        self._laps = laps
        self._phase = chance.random()
        self._outbox: dict[str, Driven] = {}
        self._waiting: list[Driven] = []
        self._by_id: dict[str, Driven] = {}
        self._changed = asyncio.Event()
        self._connection: FleetConnection | None = None
        topics = Topics()
        self._topic = topics.laps.build(rig=name, car=circuit.car)
        self._filters = [topics.lap_answers.build(rig=name, car=circuit.car)]
        self._coaching = topics.coaching.build(rig=name, car=circuit.car)

    @property
    def unanswered(self) -> int:
        return len(self._outbox) + len(self._waiting)

    @property
    def refused(self) -> int:
        """PUBACKs of this connection that said no."""
        return 0 if self._connection is None else self._connection.refused

    async def connect(self, host: str, port: int) -> None:
        """Connect and subscribe."""
        connection = FleetConnection(self._heard)
        await connection.connect(host, port, self.name, self._password)
        await connection.subscribe([*self._filters, self._coaching])
        self._connection = connection

    async def stay_connected(self, host: str, port: int) -> None:
        """Connect again whenever the connection is gone, and ping while it is there."""
        backoff = Backoff()
        while True:
            connection = self._connection
            if connection is None or connection.gone.done():
                self.reconnects += connection is not None
                self._connection = None
                try:
                    await self.connect(host, port)
                except (OSError, TimeoutError):
                    await asyncio.sleep(backoff.next_s())
                    continue
                backoff.reset()
                self._changed.set()
                connection = self._connection
            assert connection is not None
            await asyncio.wait([connection.gone], timeout=_PING_S * random.uniform(0.8, 1.0))
            if not connection.gone.done():
                connection.ping()

    async def drive(self, until: float, began: float) -> None:
        """Drive laps, and put each into the outbox as it ends.

        Args:
            until: no lap that would end later is driven.
            began: when the circuit's first lap began.
        """
        joined = time.monotonic()
        ends = began - self._phase * self.circuit.lap_s(0)
        session = uuid.uuid4()
        for number in range(1_000_000):
            ends += self.circuit.lap_s(number)
            if ends >= until:
                return
            if number and number % STINT == 0:
                session = uuid.uuid4()
            # Who joins late begins in the middle of the circuit's stint, where the others are.
            if ends < joined:
                continue
            await asyncio.sleep(max(0.0, ends - time.monotonic()))
            self._finish(number, session)

    def _finish(self, number: int, session: uuid.UUID) -> None:
        lap = self.circuit.lap(number)
        driven = Driven(self.name, uuid.uuid4(), session, 1 + number % STINT, lap.lap, time.monotonic())
        driven.payload = lap.encoded.of(session, driven.lap_id)
        driven.wire = sum(map(len, driven.payload))
        self._laps.append(driven)
        self._by_id[str(driven.lap_id)] = driven
        self._waiting.append(driven)
        self._changed.set()

    async def send(self) -> None:
        """Send what waits, as far as the window allows, and again what is not answered in time."""
        while True:
            self._changed.clear()
            wait_s = self._send_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)

    def _send_due(self) -> float | None:
        """Send what is due. Returns in how many seconds something will be."""
        if self._connection is None or self._connection.gone.done():
            return 1.0
        while self._waiting and len(self._outbox) < WINDOW:
            self._publish(self._waiting.pop(0))
        now = time.monotonic()
        for driven in [*self._outbox.values()]:
            if now - driven.last_sent >= _timeout_s(driven):
                self._publish(driven)
        return min((one.last_sent + _timeout_s(one) - now for one in self._outbox.values()), default=None)

    def _publish(self, driven: Driven) -> None:
        assert self._connection is not None
        parts = driven.payload
        assert parts is not None
        if not driven.sha256:
            digest = hashlib.sha256(parts[0])
            digest.update(parts[1])
            driven.sha256 = digest.hexdigest()
        self._outbox[driven.sha256] = driven
        driven.sent += 1
        driven.last_sent = time.monotonic()
        self._connection.publish(self._topic, _CONTENT_TYPE, parts)

    def _heard(self, topic: str, payload: bytes) -> None:
        message = json.loads(payload)
        if topic == self._coaching:
            driven = self._by_id.get(message["lap_id"])
            if driven is not None:
                driven.advised = driven.advised or time.monotonic()
                driven.advice += 1
            return
        driven = self._outbox.pop(message["payload_sha256"], None) or self._by_id.get(message["lap_id"] or "")
        if driven is None:
            return
        driven.answers += 1
        if driven.answered is None:
            driven.answered = time.monotonic()
            driven.payload = None
            status = message["status"]
            driven.status = f"{status}: {message['message']}" if status == "rejected" else status
        self._changed.set()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _timeout_s(driven: Driven) -> float:
    return float(min(ANSWER_TIMEOUT_CAP_S, ANSWER_TIMEOUT_S * 2 ** (driven.sent - 1)))
