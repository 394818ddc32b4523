"""One follower at work: takes events, does them, catches up, and keeps its failures to itself."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_server.database.faults import in_words
from racing_coach_server.following.backlog import Backlog
from racing_coach_server.following.follower import Follower
from racing_coach_server.following.work import Means, Work
from racing_coach_server.messaging.failures import Blame, blame_of
from racing_coach_server.messaging.messages import Event

log = structlog.stdlib.get_logger(__name__)

_MAX_GIVEN_UP: Final = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a feature's followers are.

    Attributes:
        done: events that were followed since the start.
        failed: events that they failed on since the start.
        behind: events that are known to wait.
    """

    done: int = 0
    failed: int = 0
    behind: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(self.done + other.done, self.failed + other.failed, self.behind + other.behind)


class Runner[EventT: Event]:
    """Runs one follower."""

    def __init__(self, feature: str, follower: Follower[EventT], means: Means) -> None:
        """Describe it; nothing runs before `run`.

        Args:
            feature: whose follower it is; the heartbeat's numbers are kept by it.
            follower: says what to do.
            means: with what.
        """
        self.feature = feature
        self.follower = follower
        self._means = means
        settings = means.settings
        self._backlog = Backlog[EventT](memory=settings.memory, catch_up_s=settings.catch_up_s)
        self._work = Work(follower, means, recovered=self._backlog.call)
        self._given_up: set[str] = set()
        self._done = 0
        self._failed = 0
        self._stopping = False

    def tell(self, event: EventT) -> None:
        """Take an event. Neither fails nor waits."""
        self._backlog.tell(event)

    def catch_up(self) -> None:
        """Ask the database soon what is to be done."""
        self._backlog.call()

    def progress(self) -> Progress:
        """The numbers of this moment."""
        return Progress(self._done, self._failed, self._backlog.behind)

    def stop(self) -> bool:
        """Begin nothing more. Returns whether something is in hand that may be finished soon."""
        self._stopping = True
        return self._work.in_hand

    async def run(self, tell: Callable[[Event], None]) -> None:
        """Work until stopped.

        Args:
            tell: told the events that follow from this follower's work.
        """
        backoff = Backoff(self._means.settings.retry_first_s, self._means.settings.retry_cap_s)
        while not self._stopping:
            try:
                answered = await self._step(tell)
            except Exception as error:
                log.error("a follower stumbled", follower=self.follower.name, exc_info=error)
                answered = False
            if answered:
                backoff.reset()
            else:
                await asyncio.sleep(backoff.next_s())

    async def _step(self, tell: Callable[[Event], None]) -> bool:
        """Do the next event, or look for more. Returns whether the database answered."""
        event = await self._backlog.take()
        if event is None:
            return await self._catch_up()
        with structlog.contextvars.bound_contextvars(follower=self.follower.name, **_facts(event)):
            self._backlog.settled(progress=await self._do(event, tell))
        return True

    async def _do(self, event: EventT, tell: Callable[[Event], None]) -> bool:
        """Do one event, chain what follows from it, publish. Returns whether it is settled for good."""
        if event.key in self._given_up:
            return False
        started = time.perf_counter()
        try:
            followed = await self._work.do(event)
        except Exception as error:  # noqa: BLE001 (a follower's failures are its own)
            return await self._fail(event, error)
        if followed is not None:
            self._done += 1
            for next_event in followed.events:
                tell(next_event)
        try:
            await self._work.publish(event)
        except Exception as error:
            log.error("a follower could not publish", exc_info=error)
        if followed is not None:
            log.info(
                "followed",
                version=self.follower.version,
                total_ms=round((time.perf_counter() - started) * 1e3, 1),
                **{name: str(value) for name, value in followed.log.items() if value is not None},
            )
        return followed is not None

    async def _fail(self, event: EventT, error: Exception) -> bool:
        """Say it once and have it stored. If even that fails, this process leaves the event alone."""
        log.error("a follower failed", version=self.follower.version, exc_info=error)
        self._failed += 1
        try:
            await self._work.fail(event, error)
        except Exception as again:
            log.error("a follower's failure could not be stored", exc_info=again)
            if len(self._given_up) >= _MAX_GIVEN_UP:
                self._given_up.clear()
            self._given_up.add(event.key)
            return False
        return True

    async def _catch_up(self) -> bool:
        """Ask the database what is to be done. Returns whether it answered."""
        batch, trouble, name = self._means.settings.batch, self._means.database_trouble, self.follower.name
        try:
            async with self._means.turn(), self._means.database.transaction() as session:
                found = await self.follower.pending(session, batch)
                more = len(found) >= batch
                behind = await self.follower.behind(session) if more else len(found)
        except Exception as error:
            if blame_of(error, in_the_middle=False) in {Blame.WORLD, Blame.MEMORY}:
                trouble.began(in_words(error), name)
                return False
            log.error("a follower cannot tell what is to be done", follower=name, exc_info=error)
            found, more, behind = (), False, self._backlog.behind
        trouble.ended(name)
        self._backlog.caught_up(found, behind, more=more)
        return True


def _facts(event: Event) -> dict[str, str]:
    """An event's values, for the log."""
    return {field.name: str(getattr(event, field.name)) for field in fields(event)}
