"""Keeps a window of laps on their way to the daemon."""

import asyncio
import secrets
import time

import structlog

from racing_coach_core.exceptions import InvalidTopicError
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import PacketTooLargeError, PublishRefusedError
from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox

log = structlog.stdlib.get_logger(__name__)

_IDLE_S = 1.0
"""How often the outbox is looked at for laps that another process spooled."""
_TIDY_S = 600.0
_NOBODY = "no daemon is subscribed; the lap is kept and sent again"


class SendingWindow:
    """Laps that were sent and are not answered yet: at most `settings.sending.window` at a time.

    A lap holds its place until it is answered, refused or due again, and no longer than `answer_timeout_s`, however
    long it is put off itself: laps that are never answered hold up no other.
    """

    def __init__(self, settings: RigSettings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._topics = settings.mqtt.topics
        self._places: dict[int, float] = {}
        """Which laps hold a place, by `seq`, and until when, in `time.monotonic`."""
        self.refused: set[int] = set()
        """Laps, by `seq`, that the broker refused on this connection for a reason that no waiting heals."""
        self._wake = asyncio.Event()
        self._tidied = 0.0
        # Twice the longest wait, so that a clock that is set right by a second makes nobody send too soon.
        self._horizon_s = 2 * settings.sending.answer_timeout_cap_s

    def wake(self) -> None:
        """A lap was put on disk: send it now."""
        self._wake.set()

    async def begin(self, *, session_present: bool) -> None:
        """Begin with a new connection, to a broker that knows what was sent on the last one or has forgotten it."""
        self._places.clear()
        self.refused.clear()
        if not session_present:
            await asyncio.to_thread(self._outbox.all_due_now)
        self._wake.set()

    async def make_room(self) -> None:
        """Take out of the window what was answered, and what is due again."""
        now = time.monotonic()
        # A copy, and what came meanwhile stays: the other task goes on while the thread looks.
        looked_at = frozenset(seq for seq, until in self._places.items() if until > now)
        waiting = await asyncio.to_thread(self._still_waiting, looked_at)
        for seq in [seq for seq, until in self._places.items() if until <= now or seq in looked_at - waiting]:
            del self._places[seq]
        self._wake.set()

    def _still_waiting(self, seqs: frozenset[int]) -> set[int]:
        entries = [self._outbox.entry(seq) for seq in seqs]
        now = time.time()
        waiting = [entry for entry in entries if entry is not None and entry.state is State.WAITING]
        return {entry.seq for entry in waiting if now < entry.due_at <= now + self._horizon_s}

    async def send(self, connection: Connection) -> None:
        """Send what is due, as it becomes due, until the connection ends, which raises its error."""
        while True:
            await self.make_room()
            self._wake.clear()
            due = await self._due()
            accepted = [await self._send_one(connection, entry) for entry in due]
            if not all(accepted) or not due:
                # If one is refused, the next may be too: so many a second, and not as many as there are.
                await self._idle(may_be_woken=all(accepted))

    async def _due(self) -> list[Entry]:
        sending = self._settings.sending
        room = sending.window - len(self._places)
        if room <= 0:
            return []
        return await asyncio.to_thread(
            self._outbox.due,
            limit=room,
            long_backlog=sending.long_backlog,
            besides=frozenset(self._places),
            horizon_s=self._horizon_s,
        )

    async def _idle(self, *, may_be_woken: bool) -> None:
        if time.monotonic() - self._tidied > _TIDY_S:
            self._tidied = time.monotonic()
            await asyncio.to_thread(self._outbox.tidy)
        if not may_be_woken:
            await asyncio.sleep(_IDLE_S)
            return
        try:
            await asyncio.wait_for(self._wake.wait(), _IDLE_S)
        except TimeoutError:
            return

    async def _send_one(self, connection: Connection, entry: Entry) -> bool:
        """Send a lap. Returns False if the broker refused it."""
        payload = await asyncio.to_thread(self._outbox.payload, entry.seq)
        if payload is None:
            return True
        try:
            topic = self._topics.laps.build(rig=self._settings.rig, car=entry.car_id)
        except InvalidTopicError as error:
            await self._set_aside(entry, "a lap has no topic", error)
            return True
        timeout_s = self._answer_timeout(entry)
        again_at = time.time() + timeout_s
        # Noted before it leaves, so that an answer that overtakes the PUBACK finds the lap as sent.
        await asyncio.to_thread(self._outbox.sent, entry.seq, again_at=again_at, trouble=None)
        self._places[entry.seq] = time.monotonic() + self._settings.sending.answer_timeout_s
        try:
            heard = await connection.publish(
                topic, payload, content_type=entry.content_type, correlation_data=secrets.token_bytes(8)
            )
        except PacketTooLargeError as error:
            await self._set_aside(entry, "a lap is larger than the broker takes", error)
            return True
        except PublishRefusedError as error:
            self._places.pop(entry.seq, None)
            if not error.heals:
                self.refused.add(entry.seq)
            await self._not_accepted(entry, again_at, str(error))
            return False
        self.refused.discard(entry.seq)
        if not heard:
            # Cheap to find out, so it is not put off for longer each time.
            await self._not_accepted(entry, time.time() + self._settings.sending.answer_timeout_s, _NOBODY)
        elif time.time() > again_at - timeout_s / 2:
            # The way to the broker was slow; the daemon is given the whole time to answer.
            await asyncio.to_thread(self._outbox.note, entry.seq, due_at=time.time() + timeout_s, trouble=None)
        return True

    async def _set_aside(self, entry: Entry, event: str, error: Exception) -> None:
        log.error(event, error=str(error), lap=entry.title)
        await asyncio.to_thread(self._outbox.set_aside, entry.seq, str(error))

    async def _not_accepted(self, entry: Entry, again_at: float, reason: str) -> None:
        if entry.trouble != reason:
            log.warning("a lap was not accepted, it is kept and sent again", reason=reason, lap=entry.title)
        await asyncio.to_thread(self._outbox.note, entry.seq, due_at=again_at, trouble=reason)

    def _answer_timeout(self, entry: Entry) -> float:
        """Seconds; twice as long with every time that the lap was sent."""
        sending = self._settings.sending
        return float(min(sending.answer_timeout_cap_s, sending.answer_timeout_s * 2 ** min(entry.sent, 20)))
