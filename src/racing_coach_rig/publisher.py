"""Sends what waits in the outbox until every lap is answered."""

import asyncio
import contextlib
import secrets
import time
from datetime import UTC, datetime

import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import ValidationError

from racing_coach_core.backoff import Backoff
from racing_coach_core.exceptions import InvalidTopicError
from racing_coach_core.messages import LapUploadResponse, RigStatus
from racing_coach_core.mqtt import (
    BrokerError,
    Connection,
    Delivery,
    PacketTooLargeError,
    PublishRefusedError,
    SessionTakenOverError,
    Will,
)
from racing_coach_rig.config import RigSettings
from racing_coach_rig.exceptions import OutboxError
from racing_coach_rig.outbox import Entry, Outbox

log = structlog.stdlib.get_logger(__name__)

_IDLE_S = 1.0
"""How often the outbox is looked at for laps that another process spooled."""
_TIDY_S = 600.0
_TAKEN_OVER_S = 5.0
_GOODBYE_S = 2.0
_MAX_ANSWER = 1 << 20
"""Bytes; an answer with ten errors and all the text there may be takes some tens of kilobytes."""
_NOBODY = "no daemon is subscribed; the lap is kept and sent again"


class Publisher:
    """One rig's sender: presence, laps out, answers in. Connects again for ever."""

    def __init__(self, settings: RigSettings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._topics = settings.mqtt.topics
        self._status_topic = self._topics.rig_status.build(rig=settings.rig)
        self._unanswered: set[int] = set()
        self._wake = asyncio.Event()
        self._tidied = 0.0
        # Twice the longest wait, so that a clock that is set right by a second makes nobody send too soon.
        self._horizon_s = 2 * settings.sending.answer_timeout_cap_s
        self.trouble: str | None = None
        """What is wrong with the way to the broker, in words; None while connected."""
        self.connected = False

    def wake(self) -> None:
        """A lap was spooled: send it now."""
        self._wake.set()

    async def run(self) -> None:
        """Send and listen until cancelled; whatever goes wrong, laps wait on disk and are tried again."""
        backoff = Backoff()
        while True:
            longer_s = 0.0
            try:
                await self._session(backoff)
            except SessionTakenOverError as error:
                # A connection of our own that the network had swallowed may have come to life for a moment. And
                # should there be another rig of this name, both get their turns.
                longer_s = _TAKEN_OVER_S
                self._in_trouble(str(error))
            except (BrokerError, OutboxError) as error:
                self._in_trouble(str(error))
            finally:
                self.connected = False
            await asyncio.sleep(longer_s + backoff.next_s())

    def _in_trouble(self, reason: str) -> None:
        if self.trouble is None:
            log.warning("nothing can be sent, laps wait on disk", reason=reason)
        self.trouble = reason

    async def _session(self, backoff: Backoff) -> None:
        connection = Connection(
            self._settings.mqtt,
            client_id=self._settings.client_id,
            receive_maximum=32,
            will=Will(topic=self._status_topic, payload=_status(online=False)),
        )
        async with connection:
            try:
                await self._listen_and_send(connection, backoff)
            finally:
                await self._say_goodbye(connection)

    async def _listen_and_send(self, connection: Connection, backoff: Backoff) -> None:
        # Listen from the first moment: the answers that the broker kept come before its SUBACK.
        tasks = [
            asyncio.create_task(self._listen(connection), name="answers"),
            asyncio.create_task(self._begin_and_send(connection, backoff), name="laps"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _say_goodbye(self, connection: Connection) -> None:
        """A broker forgets the will of a client that disconnects. One that does not answer does not hold us up."""
        if connection.alive:
            with contextlib.suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await connection.publish(self._status_topic, _status(online=False), retain=True)

    async def _begin_and_send(self, connection: Connection, backoff: Backoff) -> None:
        await connection.subscribe([f"{self._topics.answers_below(self._settings.rig)}#"])
        await connection.publish(self._status_topic, _status(online=True), retain=True)
        await self._begin(connection)
        backoff.reset()
        await self._send(connection)

    async def _begin(self, connection: Connection) -> None:
        self._unanswered.clear()
        if not connection.session_present:
            await asyncio.to_thread(self._outbox.all_due_now)
        log.info("connected to the broker", rig=self._settings.rig, session_present=connection.session_present)
        self.trouble = None
        self.connected = True
        self._wake.set()

    async def _listen(self, connection: Connection) -> None:
        async for delivery in connection.deliveries():
            try:
                await self._take_answer(delivery)
            finally:
                delivery.release()
            # Only now that the outbox has it: an answer lost in a crash comes again.
            delivery.acknowledge()

    async def _take_answer(self, delivery: Delivery) -> None:
        if len(delivery.payload) > _MAX_ANSWER:
            log.warning("an answer too large to be one", topic=delivery.topic, bytes=len(delivery.payload))
            return
        try:
            answer = LapUploadResponse.model_validate_json(delivery.payload)
        except ValidationError as error:
            log.warning("an unreadable answer", topic=delivery.topic, error=str(error).splitlines()[0])
            return
        known = await asyncio.to_thread(self._outbox.answered, answer)
        await self._forget_answered()
        self._wake.set()
        log.info("answer", status=answer.status.value, message=answer.message, known=known)

    async def _forget_answered(self) -> None:
        """Make room in the window for what was answered, and for what is due again."""
        # A copy, and what came meanwhile stays: the other task goes on while the thread looks.
        looked_at = frozenset(self._unanswered)
        waiting = await asyncio.to_thread(self._still_waiting, looked_at)
        self._unanswered.difference_update(looked_at - waiting)

    def _still_waiting(self, seqs: frozenset[int]) -> set[int]:
        entries = [self._outbox.entry(seq) for seq in seqs]
        now = time.time()
        waiting = [entry for entry in entries if entry is not None and entry.state == "waiting"]
        return {entry.seq for entry in waiting if now < entry.due_at <= now + self._horizon_s}

    async def _send(self, connection: Connection) -> None:
        """Keep a window of laps on their way."""
        sending = self._settings.sending
        while True:
            self._wake.clear()
            await self._forget_answered()
            room = sending.window - len(self._unanswered)
            due = (
                await asyncio.to_thread(
                    self._outbox.due,
                    limit=room,
                    long_backlog=sending.long_backlog,
                    besides=frozenset(self._unanswered),
                    horizon_s=self._horizon_s,
                )
                if room > 0
                else []
            )
            for entry in due:
                await self._send_one(connection, entry)
            if not due:
                await self._idle()

    async def _idle(self) -> None:
        if time.monotonic() - self._tidied > _TIDY_S:
            self._tidied = time.monotonic()
            await asyncio.to_thread(self._outbox.tidy)
        try:
            await asyncio.wait_for(self._wake.wait(), _IDLE_S)
        except TimeoutError:
            return

    async def _send_one(self, connection: Connection, entry: Entry) -> None:
        payload = await asyncio.to_thread(self._outbox.payload, entry.seq)
        if payload is None:
            return
        try:
            topic = self._topics.laps.build(rig=self._settings.rig, car=entry.car_id)
        except InvalidTopicError as error:
            log.error("a lap has no topic", error=str(error))
            await asyncio.to_thread(self._outbox.set_aside, entry.seq, str(error))
            return
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = entry.content_type
        properties.CorrelationData = secrets.token_bytes(8)
        timeout_s = self._answer_timeout(entry)
        again_at = time.time() + timeout_s
        # Noted before it leaves, so that an answer that overtakes the PUBACK finds the lap as sent.
        await asyncio.to_thread(self._outbox.sent, entry.seq, again_at=again_at, trouble=None)
        self._unanswered.add(entry.seq)
        try:
            heard = await connection.publish(topic, payload, properties=properties)
        except PacketTooLargeError as error:
            log.error("a lap is larger than the broker takes", error=str(error))
            await asyncio.to_thread(self._outbox.set_aside, entry.seq, str(error))
            return
        except PublishRefusedError as error:
            await self._not_stored(entry, again_at, str(error))
            return
        if not heard:
            # Cheap to find out, so it is not put off for longer each time.
            await self._not_stored(entry, time.time() + self._settings.sending.answer_timeout_s, _NOBODY)
        elif time.time() > again_at - timeout_s / 2:
            # It took its time to get there; the daemon is given the same time to answer.
            await asyncio.to_thread(self._outbox.note, entry.seq, due_at=time.time() + timeout_s, trouble=None)

    async def _not_stored(self, entry: Entry, again_at: float, reason: str) -> None:
        if entry.trouble != reason:
            log.warning("a lap was not accepted, it is kept and sent again", reason=reason, lap=entry.title)
        await asyncio.to_thread(self._outbox.note, entry.seq, due_at=again_at, trouble=reason)

    def _answer_timeout(self, entry: Entry) -> float:
        sending = self._settings.sending
        return float(min(sending.answer_timeout_cap_s, sending.answer_timeout_s * 2 ** min(entry.sent, 20)))


def _status(*, online: bool) -> bytes:
    return RigStatus(online=online, timestamp=datetime.now(UTC)).model_dump_json().encode()
