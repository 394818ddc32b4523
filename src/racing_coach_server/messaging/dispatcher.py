"""One message from the wire to its PUBACK: the only place that opens and ends transactions.

receive -> handler in one transaction -> COMMIT -> publish the answer and see it accepted -> PUBACK
"""

import asyncio
import time
import traceback
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.exceptions import ErrorDetail, Fault
from racing_coach_core.mqtt import ConnectionLostError, Delivery, PacketTooLargeError, PublishRefusedError
from racing_coach_server.config import DeliverySettings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import fault_of, in_words, is_want_of_memory, may_be_poison
from racing_coach_server.messaging.accounts import Accounts
from racing_coach_server.messaging.link import Link
from racing_coach_server.messaging.messages import Failure, Message, Outcome, Reply, storable
from racing_coach_server.messaging.router import Route, Router
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_EVENTS: Final = {
    Outcome.STORED: "lap stored",
    Outcome.DUPLICATE: "lap duplicate",
    Outcome.REJECTED: "lap rejected",
}

_MAX_TRACEBACK: Final = 100_000


@dataclass(slots=True)
class Work:
    """Whether a try got as far as a connection to the database."""

    began: bool = False


@dataclass(slots=True)
class Tries:
    """How many failures of either kind a message may still have."""

    bugs: int
    poison: int


class Dispatcher:
    """Handles several messages at once, each in its own transaction, and acknowledges them in order."""

    def __init__(self, router: Router, database: Database, settings: DeliverySettings, accounts: Accounts) -> None:
        self._router = router
        self._database = database
        self._settings = settings
        self._accounts = accounts
        self.database_trouble = Trouble("the database is in trouble, laps wait", "the database is back")
        self.answer_trouble = Trouble("answers are refused by the broker", "answers are accepted again")

    async def handle(self, delivery: Delivery, link: Link) -> None:
        """Work on one delivery to its end. Raises nothing but cancellation."""
        self._accounts.took(id(delivery))
        try:
            with structlog.contextvars.bound_contextvars(topic=delivery.topic):
                await self._handle(delivery, link)
        finally:
            self._accounts.abandoned(id(delivery))

    async def _handle(self, delivery: Delivery, link: Link) -> None:
        started = time.perf_counter()
        found = self._router.find(delivery.topic)
        if found is None:
            # Only what we subscribed to comes here; a broker that sends something else is told nothing.
            log.error("message on a topic without a route")
            self._acknowledge(delivery, link)
            return
        route, segments = found
        structlog.contextvars.bind_contextvars(**segments)  # a task is a message: its context ends with it
        message = _message(delivery, segments)
        reply = await self._commit(route, message)
        self._accounts.finished(id(delivery), reply.outcome, reply.rows)
        committed = time.perf_counter()
        if await self._answer(link, reply):
            self._acknowledge(delivery, link)
        log.info(
            _EVENTS[reply.outcome],
            bytes=len(delivery.payload),
            commit_ms=round((committed - started) * 1e3, 1),
            total_ms=round((time.perf_counter() - started) * 1e3, 1),
            redelivered=delivery.duplicate,
            **{name: str(value) for name, value in reply.log.items() if value is not None},
        )

    async def _commit(self, route: Route[Any, Any], message: Message) -> Reply:
        """Run the handler until its transaction, or that of the rejection, is committed."""
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_cap_s)
        tries = Tries(bugs=self._settings.bug_tries, poison=self._settings.poison_tries)
        while True:
            work = Work()
            try:
                reply = await self._try(route, message, work)
            except Exception as error:  # noqa: BLE001 (every failure is told apart and dealt with here)
                failure = self._failure(error, work, tries)
                if failure is None:
                    await asyncio.sleep(backoff.next_s())
                    continue
                rejected = await self._reject(route, message, failure, in_doubt=tries.poison <= 0)
                if rejected is None:
                    tries.poison = self._settings.poison_tries
                    continue
                reply = rejected
            self.database_trouble.ended()
            return reply

    def _failure(self, error: Exception, work: Work, tries: Tries) -> Failure | None:
        """Why a message must be rejected, or None if it is to be tried again."""
        match fault_of(error):
            case Fault.SENDER:
                return Failure(_reason(error), _errors(error))
            case Fault.WORLD if is_want_of_memory(error):
                tries.poison -= 1
                log.warning("not enough memory for a message", tries_left=tries.poison, reason=in_words(error))
                return None if tries.poison > 0 else _kept(error)
            case Fault.WORLD:
                self.database_trouble.began(in_words(error))
                if work.began and may_be_poison(error):
                    tries.poison -= 1
                return None if tries.poison > 0 else _kept(error)
            case Fault.BUG:
                tries.bugs -= 1
                log.error("handler failed", tries_left=tries.bugs, exc_info=error)
                return None if tries.bugs > 0 else _kept(error)

    async def _try(self, route: Route[Any, Any], message: Message, work: Work) -> Reply:
        """Read the message while the transaction is being opened, then do the work in it.

        What was read is not kept for the next try: through a long outage it would be as much as `limits` allow.
        """
        reading = asyncio.create_task(route.read(message), name="read a message")
        try:
            async with self._database.transaction() as session:
                await session.connection()
                work.began = True
                return await route.handle(message, await reading, session)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _reject(
        self, route: Route[Any, Any], message: Message, failure: Failure, *, in_doubt: bool
    ) -> Reply | None:
        """Keep a failed message; the database's trouble is waited out.

        Returns:
            The answer, also where a bug of ours keeps the message from being kept: it must not stall all others. None
            if it was in doubt whether the message is to blame, and the database, though it is there, does not take
            the rejection either: then the database is.
        """
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_cap_s)
        tries = self._settings.bug_tries
        while True:
            work = Work()
            try:
                async with self._database.transaction() as session:
                    await session.connection()
                    work.began = True
                    await message.hash()
                    reply = await route.reject(message, session, failure)
            except Exception as error:
                if in_doubt and work.began and fault_of(error) is Fault.WORLD:
                    log.warning("the database is to blame, the message is tried again", reason=in_words(error))
                    return None
                self.database_trouble.began(f"a rejected message cannot be kept: {in_words(error)}")
                if fault_of(error) is not Fault.WORLD:
                    tries -= 1
                    log.error("rejecting failed", tries_left=tries, exc_info=error)
                    # Should the words of the failure be what cannot be kept, then the payload at least.
                    failure = Failure("rejected; the reason is in the daemon's log")
                    if tries <= 0:
                        log.critical("a rejected message is lost", payload_sha256=message.payload_sha256)
                        return route.refuse(message, failure)
                await asyncio.sleep(backoff.next_s())
            else:
                log.warning("message rejected", reason=failure.reason)
                return reply

    async def _answer(self, link: Link, reply: Reply) -> bool:
        """Publish the answer and see it accepted. Returns whether to acknowledge."""
        try:
            heard = await link.outgoing.publish(reply.topic, reply.payload, properties=reply.properties)
        except (PublishRefusedError, PacketTooLargeError) as error:
            # Committed but not told: the rig keeps the lap and asks again. Not to acknowledge would stall
            # every other rig behind a mistake in the broker's access list.
            self.answer_trouble.began(str(error))
            return True
        except ConnectionLostError as error:
            log.debug("not answered, the broker will send it again", error=str(error))
            # Which it does on another link only: on this one, should it stand after all, the message would hold up
            # the acknowledgement of all behind it for ever.
            link.outgoing.abort()
            return False
        self.answer_trouble.ended()
        if not heard:
            log.debug("nobody is subscribed to the answer", answer_topic=reply.topic)
        return True

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


def _reason(error: Exception) -> str:
    if hasattr(error, "fault"):
        return storable(str(error))
    return storable(f"the database refused it: {in_words(error)}")


def _errors(error: Exception) -> tuple[ErrorDetail, ...]:
    return tuple(replace(detail, msg=storable(detail.msg)) for detail in getattr(error, "errors", ()))


def _kept(error: Exception) -> Failure:
    return Failure(
        f"the server failed on this message ({type(error).__name__}); it is kept, and the operator can replay it",
        traceback=storable("".join(traceback.format_exception(error)), _MAX_TRACEBACK),
    )
