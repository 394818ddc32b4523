"""What a feature says of work that it does after a commit."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.messaging.messages import Event, Failure


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to be published with QoS 1."""

    topic: str
    payload: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Followed:
    """What following an event came to.

    Attributes:
        events: told to those who follow them, once this is committed.
        log: facts for the log line.
    """

    events: tuple[Event, ...] = ()
    log: Mapping[str, Any] = field(default_factory=dict)


class Follower[EventT: Event](ABC):
    """Does something for every event of one type, after the event's own transaction is committed.

    The database is the queue: an event that is told is only a hint to look sooner. What is still to be done is what
    `pending` finds, so a follower stores something for each event, with its version.

    Attributes:
        name: tells it from all other followers, here and in other daemons.
        version: of the work. A higher one may do what was done by a lower one again; `pending` decides.
        follows: the type of its events.
    """

    name: str
    version: int
    follows: type[EventT]

    @abstractmethod
    async def pending(self, session: AsyncSession, limit: int) -> Sequence[EventT]:
        """What is neither done nor failed in this version, newest first, at most `limit`."""

    @abstractmethod
    async def behind(self, session: AsyncSession) -> int:
        """How many `pending` would find without a limit, or a bound that is known to be exceeded."""

    @abstractmethod
    async def is_due(self, session: AsyncSession, event: EventT) -> bool:
        """Whether this one is still to be done. Nobody else works on it from now to the end of the transaction."""

    @abstractmethod
    async def follow(self, session: AsyncSession, event: EventT) -> Followed:
        """Do it, in the same transaction. Flushes, does not commit."""

    @abstractmethod
    async def fail(self, session: AsyncSession, event: EventT, failure: Failure) -> None:
        """Store that this version failed on this event, so that it is not tried for ever."""


class PublishingFollower[EventT: Event](Follower[EventT]):
    """A follower that stores what it has to say, and says it once that is committed.

    `pending` finds also what is done and not yet seen published, for as long as it is worth saying.
    """

    @abstractmethod
    async def publications(self, session: AsyncSession, event: EventT) -> Sequence[Publication]:
        """What is stored for this event, was not seen published, and is still worth saying; else nothing."""

    @abstractmethod
    async def published(self, session: AsyncSession, event: EventT) -> None:
        """Store that the broker has accepted it, in the same transaction."""
