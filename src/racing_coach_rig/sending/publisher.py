"""One rig's connection to the broker: presence, laps out, answers and the coach's words in."""

import asyncio
import contextlib
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import first_of
from racing_coach_core.messages import RigStatus
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError, PublishRefusedError, SessionTakenOverError
from racing_coach_core.mqtt.will import Will
from racing_coach_rig.config import RigSettings
from racing_coach_rig.exceptions import OutboxError
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.answers import Answers
from racing_coach_rig.sending.coaching import CoachingEar
from racing_coach_rig.sending.window import SendingWindow

log = structlog.stdlib.get_logger(__name__)

_TAKEN_OVER_S = 5.0
_GOODBYE_S = 2.0


class Publisher:
    """Sends what waits in the outbox until every lap is answered. Connects again for ever."""

    def __init__(self, settings: RigSettings, outbox: Outbox) -> None:
        self._settings = settings
        self._topics = settings.mqtt.topics
        self._status_topic = self._topics.rig_status.build(rig=settings.rig)
        self._outbox = outbox
        self._window = SendingWindow(settings, outbox)
        self.ear = CoachingEar(self._topics, settings.rig)
        """What the coach said."""
        self._answers = Answers(outbox, self.ear, self._window.make_room)
        self.trouble: str | None = None
        """What is wrong with the way to the broker, in words; None while nothing is."""
        self.connected = False
        self.refusals = 0
        """How often in a row the broker was not to be had for a reason that no waiting heals."""

    @property
    def refused(self) -> AbstractSet[int]:
        """Laps, by `seq`, that the broker's access list refused on this connection."""
        return self._window.refused

    def wake(self) -> None:
        """A lap was put on disk: send it now."""
        self._window.wake()

    async def run(self) -> None:
        """Send and listen until cancelled; whatever goes wrong, laps wait on disk and are tried again."""
        backoff = Backoff()
        while True:
            longer_s = 0.0
            try:
                await self._session(backoff)
            except SessionTakenOverError as error:
                # Either an older connection of this program, believed dead, showed life for a moment; or another
                # rig has the same name, and then each of the two sends for some seconds in turn.
                longer_s = _TAKEN_OVER_S
                await self._in_trouble(error)
            except (BrokerError, OutboxError) as error:
                await self._in_trouble(error)
            finally:
                self.connected = False
            await asyncio.sleep(longer_s + backoff.next_s())

    async def _in_trouble(self, error: BrokerError | OutboxError) -> None:
        reason = str(error)
        if self.trouble is None:
            log.warning("nothing can be sent, laps wait on disk", reason=reason)
        self.trouble = reason
        if isinstance(error, BrokerError):
            if not error.heals:
                self.refusals += 1
            # For `status`. A disk that refuses this too is told of when a lap is to be written.
            with contextlib.suppress(OutboxError):
                await asyncio.to_thread(self._outbox.way.is_blocked, reason)

    async def _session(self, backoff: Backoff) -> None:
        connection = Connection(
            self._settings.mqtt,
            client_id=self._settings.client_id,
            receive_maximum=32,
            will=Will(topic=self._status_topic, payload=presence(online=False)),
        )
        async with connection:
            try:
                # Listen from the first moment: the answers that the broker kept come before its SUBACK.
                await first_of(self._answers.listen(connection), self._begin_and_send(connection, backoff))
            finally:
                await self._say_goodbye(connection)

    async def _begin_and_send(self, connection: Connection, backoff: Backoff) -> None:
        await connection.subscribe([f"{self._topics.answers_below(self._settings.rig)}#"])
        await self.ear.subscribe(connection)
        refusal = await self._say_hello(connection)
        await self._window.begin(session_present=connection.session_present)
        log.info("connected to the broker", rig=self._settings.rig, session_present=connection.session_present)
        self.trouble = refusal
        self.connected = True
        self.refusals = 0
        await asyncio.to_thread(self._outbox.way.is_open)
        backoff.reset()
        await self._window.send(connection)

    async def _say_hello(self, connection: Connection) -> str | None:
        """Say online. Returns why the broker refuses that, None if it does not: laps may be welcome all the same."""
        try:
            await connection.publish(self._status_topic, presence(online=True), retain=True)
        except PublishRefusedError as error:
            log.warning("nobody sees that this rig is online, laps are sent", reason=str(error))
            return str(error)
        return None

    async def _say_goodbye(self, connection: Connection) -> None:
        """Say offline: the broker forgets the will of a client that disconnects. If it hangs, it is not waited for."""
        if connection.alive:
            with contextlib.suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await connection.publish(self._status_topic, presence(online=False), retain=True)


def presence(*, online: bool) -> bytes:
    """What is retained of whether this rig is there."""
    return RigStatus(online=online, timestamp=datetime.now(UTC)).model_dump_json().encode()
