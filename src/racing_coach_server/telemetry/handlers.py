"""Laps: decode, call the service, return the answer."""

import asyncio
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from racing_coach_core.codecs.decode import DecodedLap, decode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import ErrorDetail, RacingCoachError
from racing_coach_core.messages import LapStatus, LapUploadResponse, WireError
from racing_coach_core.topics import Topics
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.messaging.messages import Failure, Message, Outcome, Reply
from racing_coach_server.messaging.router import Route
from racing_coach_server.telemetry.exceptions import CarMismatchError, DecoderBugError
from racing_coach_server.telemetry.schemas import LapOutcome, ReceivedLap, Rejection
from racing_coach_server.telemetry.service import TelemetryService

_ANSWER_TYPE = "application/json"
_MAX_RESPONSE_TOPIC = 512
_MAX_LEVELS = 32


def routes(dependencies: Dependencies) -> list[Route[TelemetryService, ReceivedLap]]:
    """The feature's topics."""
    # More at once than there are cores gain nothing, take memory, and keep the event loop from the GIL.
    decoders = ThreadPoolExecutor(os.process_cpu_count(), thread_name_prefix="decode")
    handler = LapHandler(dependencies.topics, dependencies.settings.limits, decoders)
    return [Route(dependencies.topics.laps, handler, TelemetryService)]


@dataclass(frozen=True, slots=True)
class LapHandler:
    """One finished lap."""

    topics: Topics
    limits: PayloadLimits
    decoders: Executor

    async def read(self, message: Message) -> ReceivedLap:
        """Decode and validate; the payload is hashed meanwhile."""
        decoding = asyncio.get_running_loop().run_in_executor(self.decoders, self._decode, message)
        decoded, _ = await asyncio.gather(decoding, message.hash())
        car_id = decoded.lap.session.car_id
        if message.segments["car"] != car_id:
            raise CarMismatchError(message.segments["car"], car_id)
        return ReceivedLap(
            lap=decoded.lap,
            rig_id=message.segments["rig"],
            encoding=decoded.encoding.value,
            payload_sha256=message.payload_sha256,
            received_at=message.received_at,
        )

    async def handle(self, message: Message, content: ReceivedLap, service: TelemetryService) -> Reply:
        """Store a lap and answer `success` or `duplicate`."""
        outcome = await service.store_lap(content)
        return self._reply(message, _stored(content, outcome), content.lap.frames.num_rows)

    async def reject(self, message: Message, service: TelemetryService, failure: Failure) -> Reply:
        """Keep the message and answer `rejected`."""
        await service.reject(
            Rejection(
                topic=message.topic,
                payload=message.payload,
                payload_sha256=message.payload_sha256,
                content_type=message.content_type,
                received_at=message.received_at,
                reason=failure.reason,
                errors=failure.errors,
                traceback=failure.traceback,
            )
        )
        return self.refuse(message, failure)

    def refuse(self, message: Message, failure: Failure) -> Reply:
        """Answer `rejected`."""
        return self._reply(message, _rejected(message, failure.reason, failure.errors), frames=0)

    def _decode(self, message: Message) -> DecodedLap:
        """Bytes to columns; runs in a thread."""
        try:
            return decode_lap(message.payload, content_type=message.content_type, limits=self.limits)
        except (RacingCoachError, MemoryError):
            raise
        except Exception as error:
            raise DecoderBugError(repr(error)) from error

    def _reply(self, message: Message, response: LapUploadResponse, frames: int) -> Reply:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has left it so
        properties.ContentType = _ANSWER_TYPE
        if message.correlation_data is not None:
            properties.CorrelationData = message.correlation_data
        return Reply(
            topic=self._answer_topic(message),
            payload=response.model_dump_json().encode(),
            properties=properties,
            outcome=Outcome(response.status),
            rows=frames if response.status is LapStatus.SUCCESS else 0,
            log={"lap_id": response.lap_id, "lap_number": response.lap_number, "frames": response.frames},
        )

    def _answer_topic(self, message: Message) -> str:
        """The rig's own answers, never elsewhere, whatever the Response Topic says."""
        rig = message.segments["rig"]
        wanted = message.response_topic
        if wanted and wanted.startswith(self.topics.answers_below(rig)) and _can_be_answered(wanted):
            return wanted
        return self.topics.lap_answers.build_unchecked(rig=rig, car=message.segments["car"])


def _can_be_answered(topic: str) -> bool:
    """Whether every broker takes a message on this topic: one that does not ends the connection.

    mosquitto passes a Response Topic on as it is, and hangs up on whoever then publishes there if it has 200 levels.
    """
    visible = all("!" <= character <= "~" and character not in "+#" for character in topic)
    return visible and len(topic) <= _MAX_RESPONSE_TOPIC and topic.count("/") < _MAX_LEVELS


def _stored(received: ReceivedLap, outcome: LapOutcome) -> LapUploadResponse:
    lap = received.lap
    status = LapStatus.SUCCESS if outcome.is_new else LapStatus.DUPLICATE
    text = "stored" if outcome.is_new else "stored already"
    return LapUploadResponse(
        status=status,
        message=f"lap {lap.lap_number} {text}, {lap.frames.num_rows:,} frames",
        payload_sha256=received.payload_sha256,
        received_at=received.received_at,
        lap_id=outcome.lap_id,
        session_id=lap.session.session_id,
        lap_number=lap.lap_number,
        frames=lap.frames.num_rows,
        stored_at=outcome.stored_at,
    )


def _rejected(message: Message, reason: str, errors: tuple[ErrorDetail, ...]) -> LapUploadResponse:
    received_at: datetime = message.received_at
    return LapUploadResponse(
        status=LapStatus.REJECTED,
        message=reason,
        payload_sha256=message.payload_sha256,
        received_at=received_at,
        errors=[WireError.of(error) for error in errors],
    )
