"""Laps: decode, call the service, return the answer."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from racing_coach_core.codecs.decode import DecodedLap, decode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.content import content_sha256
from racing_coach_core.exceptions import PayloadTooLargeError, RacingCoachError
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapStatus, LapUploadResponse, WireError
from racing_coach_server.byte_budget import ByteBudget
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.messaging.messages import Failure, Message, Outcome, Reply
from racing_coach_server.messaging.readings import waiting
from racing_coach_server.messaging.router import Route
from racing_coach_server.telemetry.binary_copy import binary_copy
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.exceptions import CarMismatchError, DecoderBugError
from racing_coach_server.telemetry.kept import KeptLaps
from racing_coach_server.telemetry.schemas import Blocks, LapOutcome, ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

_SEVERAL: Final = 2
_EXPANDS: Final = 16
"""Times its size on the wire that a lap comes to, at most, if it is like any other: gzip makes an eighth of JSON."""

_WRITTEN_AHEAD: Final = 10_000
"""Frames of a lap, 5 MB as blocks. A longer one is written piece by piece, while it is sent."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A lap, and what is known of it where it was decoded.

    Attributes:
        content: its content's hash.
        is_valid: whether it counts.
        blocks: its frames as they are sent to the database, None where the event loop has the time to write them.
    """

    decoded: DecodedLap
    content: bytes
    is_valid: bool
    blocks: Blocks | None


class InHand:
    """How many laps are being read or stored."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Around what is done for one."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


def telemetry(dependencies: Dependencies) -> Feature:
    """The feature: laps."""
    topics = dependencies.topics
    settings = dependencies.settings
    handler = LapHandler(settings.limits, dependencies.decoders, dependencies.decoding, settings.cell_name)
    route = Route("lap", topics.laps, topics.lap_answers, handler, TelemetryService)
    return Feature("telemetry", routes=[route], kept=KeptLaps)


@dataclass(frozen=True, slots=True)
class LapHandler:
    """One finished lap."""

    limits: PayloadLimits
    decoders: Executor
    decoding: ByteBudget
    cell: str
    in_hand: InHand = field(default_factory=InHand)

    async def read(self, message: Message) -> ReceivedLap:
        """Decode, validate and hash; the payload is hashed meanwhile."""
        with self.in_hand.one_more():
            known = await self._decoded(message)
        decoded = known.decoded
        car_id = decoded.lap.session.car_id
        if message.segments["car"] != car_id:
            raise CarMismatchError(message.segments["car"], car_id)
        return ReceivedLap(
            lap=decoded.lap,
            rig_id=message.segments["rig"],
            encoding=decoded.encoding.value,
            payload_sha256=message.payload_sha256,
            received_at=message.received_at,
            cell=self.cell,
            known_sha256=known.content,
            known_validity=known.is_valid,
            known_blocks=known.blocks,
        )

    async def handle(self, _message: Message, content: ReceivedLap, service: TelemetryService) -> Reply:
        """Store a lap and answer `success` or `duplicate`."""
        with self.in_hand.one_more():
            return await service.store_and(content, lambda outcome: _reply(content, outcome))

    def rejected(self, message: Message, failure: Failure) -> LapUploadResponse:
        """Answer `rejected`."""
        return LapUploadResponse(
            status=LapStatus.REJECTED,
            message=failure.reason,
            payload_sha256=message.payload_sha256,
            received_at=message.received_at,
            errors=[WireError.of(error) for error in failure.errors],
        )

    async def _decoded(self, message: Message) -> _Decoded:
        """Bytes to columns. What it will come to is guessed from the size; what does not keep to that is done again."""
        guess = min(_EXPANDS * len(message.payload), self.limits.decoded_bytes)
        try:
            return await self._within(guess, message)
        except PayloadTooLargeError as error:
            if error.limit != guess or guess == self.limits.decoded_bytes:
                raise
        return await self._within(self.limits.decoded_bytes, message)

    async def _within(self, size: int, message: Message) -> _Decoded:
        """Decode what comes to no more than so many bytes, once so many are free."""
        loop = asyncio.get_running_loop()
        with waiting():
            taken = await self.decoding.take(size)

        def give(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                loop.call_soon_threadsafe(self.decoding.give, taken)

        limits = self.limits.model_copy(update={"decoded_bytes": size})
        job = self.decoders.submit(self._decode, message, limits)
        # Not when we stop waiting: a thread goes on with what it has begun.
        job.add_done_callback(give)
        # This has the thread that decodes get under way, for which it needs Python's lock.
        await message.hash()
        return await asyncio.wrap_future(job)

    def _decode(self, message: Message, limits: PayloadLimits) -> _Decoded:
        """Bytes to columns and to what is known from these; runs in a thread, which has them in its cache."""
        try:
            decoded = decode_lap(message.payload, content_type=message.content_type, limits=limits)
            lap = decoded.lap
            content, is_valid = content_sha256(lap.lap_time, lap.frames, lap.made_of), is_valid_lap(lap.frames)
            return _Decoded(decoded, content, is_valid, self._blocks(lap))
        except (RacingCoachError, MemoryError):
            raise
        except Exception as error:
            raise DecoderBugError(repr(error)) from error

    def _blocks(self, lap: Lap) -> Blocks | None:
        """Where several laps are in hand, all wait for the event loop, which is spared what can be done here.

        A lap that is alone would wait for this: the loop writes it while it waits for the database.
        """
        if self.in_hand.count < _SEVERAL or lap.frames.num_rows > _WRITTEN_AHEAD:
            return None
        return tuple(binary_copy(lap.frames, lap_id=lap.lap_id, made_of=lap.made_of))


def _reply(received: ReceivedLap, outcome: LapOutcome) -> Reply:
    lap = received.lap
    reply = Reply(
        body=_stored(received, outcome),
        outcome=Outcome.STORED if outcome.is_new else Outcome.DUPLICATE,
        rows=lap.frames.num_rows,
        log={"lap_id": outcome.lap_id, "lap_number": lap.lap_number, "frames": lap.frames.num_rows},
        events=(_event(received, outcome),) if outcome.is_new else (),
    )
    return reply.written()  # now, while the database has something to do


def _stored(received: ReceivedLap, outcome: LapOutcome) -> LapUploadResponse:
    lap = received.lap
    status = LapStatus.SUCCESS if outcome.is_new else LapStatus.DUPLICATE
    text = "stored" if outcome.is_new else "stored already"
    if outcome.deleted_at is not None:
        text = "was stored, and deleted since"
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


def _event(received: ReceivedLap, outcome: LapOutcome) -> LapStored:
    session = received.lap.session
    return LapStored(
        lap_id=outcome.lap_id,
        session_id=session.session_id,
        rig_id=received.rig_id,
        car_id=session.car_id,
        lap_number=received.lap.lap_number,
        stored_at=outcome.stored_at,
        received_at=received.received_at,
    )
