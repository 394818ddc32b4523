"""From a topic to the handler that answers for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.topics import TopicTemplate
from racing_coach_server.messaging.messages import Failure, Message, Reply


class Handler[ServiceT, ContentT](Protocol):
    """What a feature does with one kind of message. `handle` and `reject` run in a transaction of their own."""

    async def read(self, message: Message) -> ContentT:
        """Make of a message what can be made of it without the database; raise to reject it.

        Runs while the transaction is being opened.
        """
        ...

    async def handle(self, message: Message, content: ContentT, service: ServiceT) -> Reply:
        """Do the work; raise to reject or to be tried again."""
        ...

    async def reject(self, message: Message, service: ServiceT, failure: Failure) -> Reply:
        """Keep a message that failed and answer its sender."""
        ...

    def refuse(self, message: Message, failure: Failure) -> Reply:
        """Answer the sender of a message that failed and cannot even be kept."""
        ...


@dataclass(frozen=True, slots=True)
class Route[ServiceT, ContentT]:
    """A topic, its handler, and how to make the feature's service for a transaction."""

    template: TopicTemplate
    handler: Handler[ServiceT, ContentT]
    service: Callable[[AsyncSession], ServiceT]

    async def read(self, message: Message) -> ContentT:
        """Raises the topic's errors, too: a bad segment is found before anything is decoded."""
        self.template.check(message.topic, message.segments)
        return await self.handler.read(message)

    async def handle(self, message: Message, content: ContentT, session: AsyncSession) -> Reply:
        return await self.handler.handle(message, content, self.service(session))

    def refuse(self, message: Message, failure: Failure) -> Reply:
        return self.handler.refuse(message, failure)

    async def reject(self, message: Message, session: AsyncSession, failure: Failure) -> Reply:
        return await self.handler.reject(message, self.service(session), failure)


class Router:
    """Every route of every feature."""

    def __init__(self, routes: Sequence[Route[Any, Any]]) -> None:
        self._routes = tuple(routes)

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return [route.template.filter for route in self._routes]

    def find(self, topic: str) -> tuple[Route[Any, Any], dict[str, str]] | None:
        """The route of a topic, and the topic's segments as they stand there."""
        for route in self._routes:
            segments = route.template.match(topic)
            if segments is not None:
                return route, segments
        return None
