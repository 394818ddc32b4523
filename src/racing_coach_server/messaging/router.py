"""From a topic to the handler that answers for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.topics import TopicTemplate
from racing_coach_server.messaging.messages import Failure, Message, Reply


class Handler[ServiceT](Protocol):
    """What a feature does with one kind of message. Both methods run inside a transaction of their own."""

    async def handle(self, message: Message, service: ServiceT) -> Reply:
        """Do the work; raise to reject or to be tried again."""
        ...

    async def reject(self, message: Message, service: ServiceT, failure: Failure) -> Reply:
        """Keep a message that failed and answer its sender."""
        ...


@dataclass(frozen=True, slots=True)
class Route[ServiceT]:
    """A topic, its handler, and how to make the feature's service for a transaction."""

    template: TopicTemplate
    handler: Handler[ServiceT]
    service: Callable[[AsyncSession], ServiceT]

    async def handle(self, message: Message, session: AsyncSession) -> Reply:
        return await self.handler.handle(message, self.service(session))

    async def reject(self, message: Message, session: AsyncSession, failure: Failure) -> Reply:
        return await self.handler.reject(message, self.service(session), failure)


class Router:
    """Every route of every feature."""

    def __init__(self, routes: Sequence[Route[Any]]) -> None:
        self._routes = tuple(routes)

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return [route.template.filter for route in self._routes]

    def find(self, topic: str) -> tuple[Route[Any], dict[str, str]] | None:
        """The route of a topic, and the topic's segments as they stand there."""
        for route in self._routes:
            segments = route.template.match(topic)
            if segments is not None:
                return route, segments
        return None
