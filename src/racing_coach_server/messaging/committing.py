"""From a message to a committed transaction: its own, or that of its rejection."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import begin, put_an_end_to
from racing_coach_server.config import DeliverySettings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import in_words, is_lock_wait
from racing_coach_server.messaging.failures import Blame, Tries, blame_of, failure_of
from racing_coach_server.messaging.fairness import rest
from racing_coach_server.messaging.keeping import Keeper
from racing_coach_server.messaging.messages import Message, Reply
from racing_coach_server.messaging.readings import Readings
from racing_coach_server.messaging.router import AnyRoute
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_PATIENCE_S: Final = 0.5
"""How long a transaction is open for a message that is still being read: a large one of JSON takes half of it."""


class _NotReadYetError(Exception):
    """Ends a transaction that was opened too soon."""


@dataclass(slots=True)
class Work:
    """Whether a try got as far as a transaction."""

    began: bool = False


class Committer:
    """Runs a message's handler, again and again if need be, until something is committed."""

    def __init__(self, database: Database, settings: DeliverySettings, trouble: Trouble, readings: Readings) -> None:
        """Describe how to try.

        Args:
            database: where the transactions are.
            settings: how often, and with which pauses.
            trouble: told of every message that waits for the database.
            readings: refuses a message that the daemon died of.
        """
        self._readings = readings
        self._database = database
        self._settings = settings
        self._trouble = trouble
        self._keeper = Keeper(database, settings, trouble)

    async def commit(self, route: AnyRoute, message: Message) -> Reply:
        """Run the handler until its transaction, or that of the rejection, is committed."""
        try:
            reply = await self._commit(route, message)
        except BaseException:
            self._trouble.left(id(message))
            raise
        self._trouble.ended(id(message))
        return reply

    async def _commit(self, route: AnyRoute, message: Message) -> Reply:
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_cap_s)
        tries = Tries(bugs=self._settings.bug_tries, poison=self._settings.poison_tries)
        is_well = False
        while True:
            work = Work()
            try:
                return await self._try(route, message, work)
            except Exception as error:  # noqa: BLE001 (every failure is told apart and dealt with here)
                blame = blame_of(error, in_the_middle=work.began)
                again = tries.use(blame)
                self._say(error, blame, tries, message)
                if again:
                    if is_lock_wait(error):
                        await rest(backoff.next_s())
                    else:
                        await asyncio.sleep(backoff.next_s())
                    continue
                failure = failure_of(error, blame)
            in_doubt = tries.poison <= 0
            if blame is Blame.PERHAPS_POISON and in_doubt and not is_well:
                # All tries may have fallen into an outage that is over now: one more, once the database writes.
                is_well = await self._keeper.is_possible(message, failure)
                tries.poison = 1 if is_well else self._settings.poison_tries
                continue
            reply = await self._keeper.keep(route, message, failure, in_doubt=in_doubt)
            if reply is not None:
                return reply
            tries.poison, is_well = self._settings.poison_tries, False

    def _say(self, error: Exception, blame: Blame, tries: Tries, message: Message) -> None:
        match blame:
            case Blame.SENDER:
                pass  # said when it is kept
            case Blame.WORLD | Blame.PERHAPS_POISON:
                self._trouble.began(in_words(error), id(message))
            case Blame.MEMORY:
                log.warning("not enough memory for a message", tries_left=tries.poison, reason=in_words(error))
            case Blame.BUG:
                log.error("handler failed", tries_left=tries.bugs, exc_info=error)

    async def _try(self, route: AnyRoute, message: Message, work: Work) -> Reply:
        """Read the message while the transaction is being opened, then do the work in it.

        What was read is not kept for the next try: through a long outage it would be as much as `limits` allow.
        """
        reading = begin(self._read(route, message), name="read a message")
        try:
            with contextlib.suppress(_NotReadYetError):
                return await self._work(route, message, reading, work, patience_s=_PATIENCE_S)
            # A database ends a transaction in which nothing happens, and one that waits for memory may wait for long.
            await asyncio.wait({reading})
            return await self._work(route, message, reading, work)
        except BaseException:
            await put_an_end_to(reading)
            raise

    async def _work(
        self,
        route: AnyRoute,
        message: Message,
        reading: asyncio.Task[object],
        work: Work,
        *,
        patience_s: float | None = None,
    ) -> Reply:
        async with self._database.transaction() as session:
            work.began = True
            await asyncio.wait({reading}, timeout=patience_s)
            if not reading.done():
                raise _NotReadYetError
            return await route.handle(message, reading.result(), session)

    async def _read(self, route: AnyRoute, message: Message) -> object:
        async with self._readings.reading(message):
            return await route.read(message)
