"""Listens to the broker: which rigs and daemons are there, and how the daemons are."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

import structlog
from pydantic import ValidationError

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import first_of
from racing_coach_core.exceptions import InvalidTopicError
from racing_coach_core.messages import DaemonState, Heartbeat, RigStatus
from racing_coach_core.mqtt.budget import ReceiveBudget
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import BrokerError
from racing_coach_server.config import Settings
from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.web.live.wall import Wall

log = structlog.stdlib.get_logger(__name__)

_AWAY: Final = "The broker is away: whether rigs and daemons are there is not known until it is back."
_CAP_S: Final = 2.0
"""Longest pause between two tries to connect: somebody is looking."""
_PAUSE_S: Final = 0.1
_BUDGET: Final = ReceiveBudget(messages=1_000, bytes=4 << 20)
_MOST_BYTES: Final = 1 << 16
"""Of a message: a heartbeat takes some three thousand. A rig may publish a status of any size."""


class BrokerWatch:
    """One subscription, for all who look. It leaves nothing behind at the broker."""

    def __init__(self, settings: Settings, wall: Wall, look_at: Callable[[str], None]) -> None:
        """Describe it.

        Args:
            settings: the way to the broker.
            wall: where it is put.
            look_at: has a rig read that is not on the wall yet.
        """
        self._settings = settings
        self._topics = settings.mqtt.topics
        self._wall = wall
        self._look_at = look_at
        self._statuses: dict[str, RigStatus] = {}
        self._said = asyncio.Event()
        self.trouble = Trouble("the broker is not reached, trying on", "the broker is back")

    async def run(self) -> None:
        """Listen until cancelled."""
        backoff = Backoff(cap_s=_CAP_S)
        while True:
            try:
                await self._listen(backoff)
            except BrokerError as error:
                self.trouble.began(str(error))
                self._wall.put_broker(_AWAY)
            except Exception as error:  # the pages go on
                log.error("listening to the broker failed", exc_info=error)
                self._wall.put_broker(_AWAY)
            await asyncio.sleep(backoff.next_s())

    async def _listen(self, backoff: Backoff) -> None:
        """One connection, from its beginning to its end."""
        client_id = f"racing-coach-web-{self._settings.instance}-{secrets.token_hex(4)}"
        async with Connection(self._settings.mqtt, client_id=client_id, clean=True, budget=_BUDGET) as connection:
            templates = (self._topics.rig_status, self._topics.health_state, self._topics.heartbeat)
            await connection.subscribe([each.filter for each in templates], qos=0)
            self.trouble.ended()
            self._wall.put_broker(None)
            backoff.reset()
            await first_of(self._take_all(connection), self._put_statuses())

    async def _take_all(self, connection: Connection) -> None:
        async for delivery in connection.deliveries():
            try:
                self._take(delivery)
            finally:
                delivery.release()

    async def _put_statuses(self) -> None:
        """A rig that comes and goes a thousand times a second is told of a few times."""
        while True:
            await self._said.wait()
            self._said.clear()
            statuses, self._statuses = self._statuses, {}
            for rig, status in statuses.items():
                if not self._wall.put_status(rig, status):
                    self._look_at(rig)
            await asyncio.sleep(_PAUSE_S)

    def _take(self, delivery: Delivery) -> None:
        """Put one message on the wall; one that is none of the contract is nobody's."""
        if len(delivery.payload) > _MOST_BYTES:
            log.debug("a message is not of the contract", topic=delivery.topic[:200], bytes=len(delivery.payload))
            return
        try:
            if self._topics.rig_status.match(delivery.topic) is not None:
                rig = self._topics.rig_status.parse(delivery.topic)["rig"]
                if delivery.payload:
                    self._statuses[rig] = RigStatus.model_validate_json(delivery.payload)
                    self._said.set()
            elif self._topics.health_state.match(delivery.topic) is not None:
                if delivery.payload:
                    self._wall.put_state(DaemonState.model_validate_json(delivery.payload))
            else:
                self._wall.put_heartbeat(Heartbeat.model_validate_json(delivery.payload))
        except (ValidationError, InvalidTopicError) as error:
            log.debug("a message is not of the contract", topic=delivery.topic[:200], reason=type(error).__name__)
