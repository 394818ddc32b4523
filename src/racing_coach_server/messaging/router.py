"""From a topic to the handler that answers for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.topics import TopicTemplate
from racing_coach_server.messaging.messages import Failure, Message, Outcome, Reply


class Handler[ServiceT, ContentT](Protocol):
    """What a feature does with one kind of message."""

    async def read(self, message: Message) -> ContentT:
        """Make of a message what can be made of it without the database; raise to reject it.

        Runs while the transaction is being opened.
        """
        ...

    async def handle(self, message: Message, content: ContentT, service: ServiceT, /) -> Reply:
        """Do the work, in the message's transaction; raise to reject or to be tried again."""
        ...

    def rejected(self, message: Message, failure: Failure) -> BaseModel | bytes:
        """Word the answer to the sender of a message that failed; it is kept by the dispatcher."""
        ...


@dataclass(frozen=True, slots=True)
class Route[ServiceT, ContentT]:
    """A topic, where it is answered, its handler, and how to make the feature's service for a transaction.

    Attributes:
        noun: what one message is, such as "note": log events and accounts are named after it.
        template: the topics that the handler answers for.
        answers: where the answer goes, with the segments of `template`.
        handler: reads, works, words the rejection.
        service: made anew for each transaction.
    """

    noun: str
    template: TopicTemplate
    answers: TopicTemplate
    handler: Handler[ServiceT, ContentT]
    service: Callable[[AsyncSession], ServiceT]

    async def read(self, message: Message) -> ContentT:
        """Raises the topic's errors, too: a bad segment is found before anything is decoded."""
        self.template.check(message.topic, message.segments)
        return await self.handler.read(message)

    async def handle(self, message: Message, content: ContentT, session: AsyncSession) -> Reply:
        """The answer's JSON is written by now, while a failure still rolls back."""
        return (await self.handler.handle(message, content, self.service(session))).written()

    def rejected(self, message: Message, failure: Failure) -> Reply:
        return Reply(self.handler.rejected(message, failure), Outcome.REJECTED).written()


type AnyRoute = Route[Any, Any]


class Router:
    """Every route of every feature."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        self.routes = tuple(routes)

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return [route.template.filter for route in self.routes]

    @property
    def things(self) -> str:
        """What comes by these routes, for sentences: "notes", or "notes and photos"; without a route "messages"."""
        return " and ".join(f"{noun}s" for noun in dict.fromkeys(route.noun for route in self.routes)) or "messages"

    def sender(self, topic: str) -> str:
        """The rig that published on a topic, empty where no rig is told."""
        found = self.find(topic)
        return found[1].get("rig", "") if found else ""

    def find(self, topic: str) -> tuple[AnyRoute, dict[str, str]] | None:
        """The route of a topic, and the topic's segments as they stand there."""
        for route in self.routes:
            segments = route.template.match(topic)
            if segments is not None:
                return route, segments
        return None
