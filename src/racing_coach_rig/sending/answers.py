"""Takes the daemon's answers into the outbox, and hands the coach's words on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from pydantic import ValidationError

from racing_coach_core.concurrency import uninterrupted
from racing_coach_core.messages import LapUploadResponse
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.coaching import CoachingEar

log = structlog.stdlib.get_logger(__name__)

_MAX_ANSWER = 1 << 20
"""Bytes; an answer with ten errors and all the text there may be takes some tens of kilobytes."""


class Answers:
    """Whatever comes on the rig's answer topics, one after the other.

    Args:
        outbox: where the laps wait for them.
        ear: for the coach's words, which come on the same connection.
        taken: called after each answer.
    """

    def __init__(self, outbox: Outbox, ear: CoachingEar, taken: Callable[[], Awaitable[None]]) -> None:
        self._outbox = outbox
        self._ear = ear
        self._taken = taken

    async def listen(self, connection: Connection) -> None:
        """Take answers until the connection ends, which raises its error."""
        async for delivery in connection.deliveries():
            # Who waits for the outbox's word ends the sending at once; an answer that was not acknowledged by then
            # would come again, and might settle a lap that was put back with `rejected retry`.
            await uninterrupted(self._take(delivery), name="an answer")

    async def _take(self, delivery: Delivery) -> None:
        try:
            if self._ear.is_coaching(delivery):
                self._ear.take(delivery)
            else:
                await self._settle(delivery)
        finally:
            delivery.release()
        # Only now that the outbox has it: an answer lost in a crash comes again.
        delivery.acknowledge()

    async def _settle(self, delivery: Delivery) -> None:
        if len(delivery.payload) > _MAX_ANSWER:
            log.warning("an answer too large to be one", topic=delivery.topic, bytes=len(delivery.payload))
            return
        try:
            answer = LapUploadResponse.model_validate_json(delivery.payload)
        except ValidationError as error:
            log.warning("an unreadable answer", topic=delivery.topic, error=str(error).splitlines()[0])
            return
        known = await asyncio.to_thread(self._outbox.answered, answer)
        await self._taken()
        log.info("answer", status=answer.status.value, message=answer.message, known=known)
