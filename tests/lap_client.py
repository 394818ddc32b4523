"""A rig that is nothing but an MQTT 5 client.

async with LapClient(broker, "rig-1") as rig:
    answer = await rig.send(payload)                    # published, and its answer
    assert answer.status == "success"
"""

import asyncio
import json
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

from racing_coach_core.coaching import Coaching
from racing_coach_core.identity import payload_sha256
from racing_coach_core.messages import LapUploadResponse
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.settings import MqttSettings
from tests.clients import TOPICS
from tests.infra import Broker
from tests.waiting import TIMEOUT_S

CAR = "sim-gt3"
"""The car of the simulator's laps."""

type Facts = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The answer to a lap, and how it came."""

    response: LapUploadResponse
    topic: str
    correlation_data: bytes | None
    content_type: str | None
    raw: Facts
    """The JSON as it came."""

    @property
    def status(self) -> str:
        return self.response.status.value

    @property
    def message(self) -> str:
        return self.response.message

    @property
    def lap_id(self) -> uuid.UUID | None:
        return self.response.lap_id


class LapClient:
    """A rig that publishes whatever payload it is given, and hears every answer to itself.

    It keeps nothing and sends nothing again. When the connection ends, waiting for an answer raises. What the coach says
    is in `coaching`, by lap.

    Args:
        broker: the broker, at which it is the user of its own name.
        rig: its name, one of `infra.RIGS`.
        hears_coach: whether it subscribes to its coaching.
    """

    def __init__(self, broker: Broker, rig: str = "rig-1", *, hears_coach: bool = True) -> None:
        self.rig = rig
        self._topics = [
            f"{TOPICS.answers_below(rig)}#",
            *([TOPICS.coaching.filter_for(rig=rig)] if hears_coach else []),
        ]
        credentials = broker.credentials(rig)
        settings = MqttSettings.model_validate(
            {
                "host": broker.host,
                "port": broker.port,
                "username": credentials and credentials.username,
                "password": credentials and credentials.password,
                # A test that starts a daemon holds the event loop meanwhile: on a busy machine for longer than the
                # broker would wait for a PINGREQ.
                "keepalive_s": 3600,
            }
        )
        self.connection = Connection(settings, client_id=f"{rig}-{uuid.uuid4().hex}", receive_maximum=100, clean=True)
        self._answers: defaultdict[str, asyncio.Queue[Answer]] = defaultdict(asyncio.Queue)
        self.coaching: defaultdict[uuid.UUID, asyncio.Queue[Coaching]] = defaultdict(asyncio.Queue)
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        await self.connection.subscribe(self._topics)
        self._reader = asyncio.create_task(self._read(), name=f"answers to {self.rig}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.connection.__aexit__(None, None, None)

    async def send(
        self,
        payload: bytes,
        *,
        car: str = CAR,
        topic: str | None = None,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Publish a lap and wait for its answer.

        Raises:
            TimeoutError: none came.
            BrokerError: the broker refused the lap, or the connection ended.
        """
        sha256 = await self.publish(
            payload,
            car=car,
            topic=topic,
            content_type=content_type,
            response_topic=response_topic,
            correlation_data=correlation_data,
        )
        return await self.answer(sha256, timeout_s)

    async def publish(
        self,
        payload: bytes,
        *,
        car: str = CAR,
        topic: str | None = None,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
    ) -> str:
        """Publish a lap; its payload_sha256, by which `answer` finds the answer."""
        await self.connection.publish(
            topic or TOPICS.laps.build(rig=self.rig, car=car),
            payload,
            content_type=content_type,
            response_topic=response_topic,
            correlation_data=correlation_data,
        )
        return payload_sha256(payload)

    async def answer(self, sha256: str, timeout_s: float = TIMEOUT_S) -> Answer:
        """The next answer to a payload; each is given once.

        Raises:
            TimeoutError: none came.
            BrokerError: the connection ended.
        """
        assert self._reader is not None
        get = asyncio.ensure_future(self._answers[sha256].get())
        try:
            await asyncio.wait({get, self._reader}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if get.done():
                return get.result()
            if self._reader.done():
                self._reader.result()
            raise TimeoutError(f"no answer within {timeout_s} s")
        finally:
            get.cancel()

    def has_answer(self, sha256: str) -> bool:
        """Whether an answer to a payload waits to be taken."""
        return not self._answers[sha256].empty()

    async def _read(self) -> None:
        async for delivery in self.connection.deliveries():
            if TOPICS.coaching.match(delivery.topic):
                said = Coaching.model_validate_json(delivery.payload)
                self.coaching[said.lap_id].put_nowait(said)
                delivery.acknowledge()
                delivery.release()
                continue
            raw = json.loads(delivery.payload)
            response = LapUploadResponse.model_validate(raw)
            self._answers[response.payload_sha256].put_nowait(
                Answer(response, delivery.topic, delivery.correlation_data, delivery.content_type, raw)
            )
            delivery.acknowledge()
            delivery.release()
