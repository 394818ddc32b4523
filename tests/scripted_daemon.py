"""A daemon that stores nothing and answers what the test wants: a real MQTT peer of a real broker."""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.identity import payload_sha256
from racing_coach_core.messages import LapStatus, LapUploadResponse, RigStatus
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import Topics
from tests.infra import DAEMON, Broker

TOPICS = Topics()


@dataclass(frozen=True)
class ReceivedLap:
    """A lap as it came."""

    delivery: Delivery
    lap_number: int
    at: float
    """Seconds, monotonic."""


type Script = Callable[[ReceivedLap], LapStatus | None]
"""What to answer to a lap; None for silence."""


def always(status: LapStatus | None) -> Script:
    return lambda _: status


class ScriptedDaemon:
    """Takes the laps of one rig, remembers them, and answers by its script; sees the rig's presence too.

    It keeps no session: while it is not there, nobody is subscribed.
    """

    def __init__(self, broker: Broker, rig: str, script: Script | None = None) -> None:
        credentials = broker.credentials(DAEMON)
        login = {"username": credentials.username, "password": credentials.password} if credentials else {}
        settings = MqttSettings.model_validate({"host": broker.host, "port": broker.port, **login})
        self.connection = Connection(settings, client_id=uuid.uuid4().hex, receive_maximum=100, clean=True)
        self.rig = rig
        self.script = script or always(LapStatus.SUCCESS)
        self.laps: list[ReceivedLap] = []
        self.presence: list[bool] = []
        """What the rig said of itself, oldest first, beginning with what it had said before."""

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        await self.connection.subscribe(
            [TOPICS.rig_status.filter_for(rig=self.rig), TOPICS.laps.filter_for(rig=self.rig)]
        )
        self._task = asyncio.create_task(self._serve(), name="scripted daemon")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
        await self.connection.__aexit__(None, None, None)
        if not isinstance(outcome, asyncio.CancelledError | ConnectionLostError):
            raise outcome

    @property
    def lap_numbers(self) -> list[int]:
        """What came, in the order in which it came."""
        return [lap.lap_number for lap in self.laps]

    async def _serve(self) -> None:
        async for delivery in self.connection.deliveries():
            if delivery.topic.endswith("/status"):
                if delivery.payload:
                    self.presence.append(RigStatus.model_validate_json(delivery.payload).online)
            else:
                await self._take(delivery)
            delivery.acknowledge()
            delivery.release()

    async def _take(self, delivery: Delivery) -> None:
        lap = ReceivedLap(delivery, decode_lap(delivery.payload).lap.lap_number, time.monotonic())
        self.laps.append(lap)
        status = self.script(lap)
        if status is not None:
            await self.answer(lap, status)

    async def answer(self, lap: ReceivedLap, status: LapStatus, **fields: Any) -> None:
        """Answer a lap, now or later."""
        decoded = decode_lap(lap.delivery.payload).lap
        response = LapUploadResponse.model_validate(
            {
                "status": status,
                "message": f"the script says {status}",
                "payload_sha256": payload_sha256(lap.delivery.payload),
                "received_at": datetime.now(UTC),
                "lap_id": decoded.lap_id,
                "lap_number": decoded.lap_number,
                "frames": decoded.frames.num_rows,
                **fields,
            }
        )
        await self.publish_answer(decoded.session.car_id, response.model_dump_json().encode())

    async def publish_answer(self, car: str, payload: bytes) -> None:
        """Publish whatever, where the rig looks for its answers."""
        await self.connection.publish(TOPICS.lap_answers.build(rig=self.rig, car=car), payload)

    async def publish_coaching(self, car: str, payload: bytes) -> None:
        """Say something as the coach would."""
        await self.connection.publish(TOPICS.coaching.build(rig=self.rig, car=car), payload)
