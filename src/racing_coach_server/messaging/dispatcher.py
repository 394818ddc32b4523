"""One message from the wire to its PUBACK.

receive -> handler in one transaction -> COMMIT -> publish the answer and see it accepted -> PUBACK -> tell followers
"""

import time
from collections.abc import Callable
from typing import Final

import structlog

from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_core.topics import Topics
from racing_coach_server.config import DeliverySettings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.text import storable
from racing_coach_server.messaging.accounts import Accounts, Counts
from racing_coach_server.messaging.answering import Answers
from racing_coach_server.messaging.committing import Committer
from racing_coach_server.messaging.link import Link
from racing_coach_server.messaging.messages import Event, Message, Outcome, Reply
from racing_coach_server.messaging.readings import Readings
from racing_coach_server.messaging.router import AnyRoute, Router
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_MAX_LOGGED: Final = 200
"""Characters of a segment that is logged; a sender may have written 60,000."""


class Dispatcher:
    """Handles several messages at once, each in its own transaction, and acknowledges them in order."""

    def __init__(
        self,
        router: Router,
        database: Database,
        settings: DeliverySettings,
        topics: Topics,
        readings: Readings,
        *,
        tell: Callable[[Event], None],
    ) -> None:
        """Wire it.

        Args:
            router: finds the route of a message.
            database: where the transactions are.
            settings: how often to try.
            topics: where answers may go.
            readings: refuses a message that the daemon died of.
            tell: told every event of a message that is acknowledged; neither fails nor waits.
        """
        self._router = router
        self._tell = tell
        self._accounts: dict[str, Accounts] = {route.noun: Accounts() for route in router.routes}
        self.database_trouble = Trouble(f"the database is in trouble, {router.things} wait", "the database is back")
        self._committer = Committer(database, settings, self.database_trouble, readings)
        self._answers = Answers(topics)
        self._events = {
            route.noun: {
                Outcome.STORED: f"{route.noun} stored",
                Outcome.DUPLICATE: f"{route.noun} duplicate",
                Outcome.REJECTED: f"{route.noun} rejected",
            }
            for route in router.routes
        }

    @property
    def answer_trouble(self) -> Trouble:
        """Whether the broker refuses answers."""
        return self._answers.trouble

    def counts(self) -> dict[str, Counts]:
        """What became of the messages, by the nouns of their routes."""
        return {noun: accounts.counts() for noun, accounts in self._accounts.items()}

    async def handle(self, delivery: Delivery, link: Link) -> Outcome | None:
        """Work on one delivery to its end; what became of it. Raises nothing but cancellation."""
        with structlog.contextvars.bound_contextvars(topic=storable(delivery.topic, _MAX_LOGGED)):
            found = self._router.find(delivery.topic)
            if found is None:
                # Only what we subscribed to comes here; a broker that sends something else is told nothing.
                log.error("message on a topic without a route")
                self._acknowledge(delivery, link)
                return None
            route, segments = found
            accounts = self._accounts[route.noun]
            accounts.took(id(delivery))
            try:
                return await self._handle(route, segments, delivery, link)
            finally:
                accounts.abandoned(id(delivery))

    async def _handle(self, route: AnyRoute, segments: dict[str, str], delivery: Delivery, link: Link) -> Outcome:
        started = time.perf_counter()
        # A task is a message: its context ends with it.
        structlog.contextvars.bind_contextvars(**{k: storable(v, _MAX_LOGGED) for k, v in segments.items()})
        message = _message(delivery, segments)
        reply = await self._commit(route, message)
        self._accounts[route.noun].finished(id(delivery), reply.outcome, reply.rows)
        committed = time.perf_counter()
        if await self._answer(link, route, message, reply):
            self._acknowledge(delivery, link)
        for event in reply.events:
            self._tell(event)
        log.info(
            self._events[route.noun][reply.outcome],
            bytes=len(delivery.payload),
            commit_ms=round((committed - started) * 1e3, 1),
            total_ms=round((time.perf_counter() - started) * 1e3, 1),
            redelivered=delivery.duplicate,
            **{name: str(value) for name, value in reply.log.items() if value is not None},
        )
        return reply.outcome

    async def _commit(self, route: AnyRoute, message: Message) -> Reply:
        return await self._committer.commit(route, message)

    async def _answer(self, link: Link, route: AnyRoute, message: Message, reply: Reply) -> bool:
        return await self._answers.publish(link, route, message, reply)

    def _acknowledge(self, delivery: Delivery, link: Link) -> None:
        try:
            link.acks.done(delivery.receipt)
        except ConnectionLostError as error:
            log.debug("not acknowledged, the broker will send it again", error=str(error))


def _message(delivery: Delivery, segments: dict[str, str]) -> Message:
    return Message(
        topic=delivery.topic,
        segments=segments,
        payload=delivery.payload,
        content_type=delivery.content_type,
        response_topic=delivery.response_topic,
        correlation_data=delivery.correlation_data,
        received_at=delivery.received_at,
    )
