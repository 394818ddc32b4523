"""One event, done by one follower: locked, done and committed once, then published, whatever goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.backoff import Backoff
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import ConnectionLostError, PacketTooLargeError, PublishRefusedError
from racing_coach_server.config import FollowerSettings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import in_words, is_deadlock
from racing_coach_server.following.follower import Followed, Follower, Publication, PublishingFollower
from racing_coach_server.following.locks import try_lock
from racing_coach_server.messaging.failures import Tries, blame_of, traceback_of
from racing_coach_server.messaging.messages import Event, Failure
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_MAX_REASON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Means:
    """What all followers of a daemon share.

    Attributes:
        settings: how often to try, and when to look again.
        database: with connections of their own.
        outgoing: the connection to the broker, None while there is none.
        turn: held while something is done with the database; it is not given while messages wait for a slot.
        database_trouble: told of every follower that waits for the database.
        publish_trouble: told of every follower whose publications the broker refuses.
    """

    settings: FollowerSettings
    database: Database
    outgoing: Callable[[], Connection | None]
    turn: Callable[[], AbstractAsyncContextManager[object]]
    database_trouble: Trouble
    publish_trouble: Trouble


class Work[EventT: Event]:
    """Does one follower's events, one at a time."""

    def __init__(self, follower: Follower[EventT], means: Means, *, recovered: Callable[[], None]) -> None:
        """Describe the work.

        Args:
            follower: does it.
            means: with what.
            recovered: called when the database's trouble is over.
        """
        self._follower = follower
        self._means = means
        self._recovered = recovered
        self.in_hand = False

    async def do(self, event: EventT) -> Followed | None:
        """Do one event. None if there was nothing to do: it is done already, or somebody else is at it.

        Raises:
            Exception: what the follower failed with, at last.
        """
        return await self.transact(event, self._follow)

    async def _follow(self, session: AsyncSession, event: EventT) -> Followed | None:
        if not await self._follower.is_due(session, event):
            return None
        return await self._follower.follow(session, event)

    async def fail(self, event: EventT, error: Exception) -> None:
        """Have the follower store that it failed.

        Raises:
            Exception: it fails at that, too.
        """
        failure = Failure(f"{type(error).__name__}: {error}"[:_MAX_REASON], traceback=traceback_of(error))

        async def fail(session: AsyncSession, event: EventT) -> None:
            await self._follower.fail(session, event, failure)

        await self.transact(event, fail)

    async def publish(self, event: EventT) -> None:
        """Publish what is stored for an event and was not seen published. What cannot be sent now is found again.

        Raises:
            Exception: what the follower failed with, at last.
        """
        follower = self._follower
        if not isinstance(follower, PublishingFollower) or self._means.outgoing() is None:
            return
        accepted = False

        async def publish(session: AsyncSession, event: EventT) -> None:
            nonlocal accepted
            # If the database is lost before it has taken down what was accepted, only that is done again.
            accepted = accepted or await self._publish(await follower.publications(session, event))
            if accepted:
                await follower.published(session, event)

        await self.transact(event, publish)

    async def _publish(self, publications: Sequence[Publication]) -> bool:
        """Publish. Returns whether there was something, and the broker has accepted it."""
        connection = self._means.outgoing()
        if connection is None or not publications:
            return False
        trouble, name = self._means.publish_trouble, self._follower.name
        try:
            for each in publications:
                await connection.publish(each.topic, each.payload, content_type=each.content_type)
        except (PublishRefusedError, PacketTooLargeError) as error:
            trouble.began(str(error), name)
        except ConnectionLostError as error:
            log.debug("not published, it is found again", follower=name, error=str(error))
        else:
            trouble.ended(name)
            return True
        return False

    async def transact[T](self, event: EventT, work: Callable[[AsyncSession, EventT], Awaitable[T]]) -> T | None:
        """Do something for an event in a transaction that nobody else has for it; the database's trouble is waited out.

        Returns:
            What the work returned, None if somebody else is at this event.

        Raises:
            Exception: what the work raised, if it is not the world's fault or was raised too often.
        """
        settings, trouble, name = self._means.settings, self._means.database_trouble, self._follower.name
        backoff = Backoff(settings.retry_first_s, settings.retry_cap_s)
        tries = Tries(bugs=1, poison=settings.tries)
        waited = False
        try:
            while True:
                connected = False
                async with self._means.turn():
                    self.in_hand = True
                    try:
                        async with self._means.database.transaction() as session:
                            is_ours = await try_lock(session, name, event.key)
                            connected = True
                            result = await work(session, event) if is_ours else None
                    except Exception as error:
                        if not tries.use(blame_of(error, in_the_middle=connected)):
                            raise
                        self._tell(error, is_again=waited)
                        waited = True
                    else:
                        trouble.ended(name)
                        if waited:
                            self._recovered()
                        return result
                    finally:
                        self.in_hand = False
                await asyncio.sleep(backoff.next_s())
        except BaseException:
            trouble.left(name)
            raise

    def _tell(self, error: Exception, *, is_again: bool) -> None:
        """Say why it is tried again. One deadlock is no trouble: the other transaction goes on, and then ours does."""
        if is_deadlock(error) and not is_again:
            log.info("somebody was in the way, it is done again", reason=in_words(error))
        else:
            self._means.database_trouble.began(in_words(error), self._follower.name)
