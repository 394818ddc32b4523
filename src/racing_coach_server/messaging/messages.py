"""What passes between dispatcher, handlers and followers. Nothing here knows MQTT's packets."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.identity import payload_sha256

_HASHED_HERE: Final = 1 << 20
"""Bytes that are hashed on the event loop: half a millisecond."""


class Outcome(StrEnum):
    """What became of a message; the accounts are kept by these names."""

    STORED = "success"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Message:
    """A message on its way to a handler.

    Attributes:
        topic: as it was published.
        segments: what stands in the topic at the names of the route's template.
        payload: as it came, still compressed if it was sent so.
        content_type: the MQTT content type, None where the sender set none.
        response_topic: where the sender wants its answer, None for the usual place.
        correlation_data: goes back with the answer as it is.
        received_at: when the last byte had arrived, in UTC.
    """

    topic: str
    segments: Mapping[str, str]
    payload: bytes
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | None
    received_at: datetime

    @cached_property
    def payload_sha256(self) -> str:
        """SHA-256 of the payload in hex. At first use it takes 5 ms for 8 MB: `hash` before."""
        return payload_sha256(self.payload)

    async def hash(self) -> None:
        """Have `payload_sha256` computed; elsewhere than on the event loop if it would hold that up for long.

        Waking a thread, and being woken by it, takes as long as hashing half a megabyte.
        """
        if len(self.payload) > _HASHED_HERE:
            await asyncio.to_thread(getattr, self, "payload_sha256")
        else:
            _ = self.payload_sha256


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed.

    Attributes:
        reason: one sentence, for the sender too.
        errors: what is wrong at which place of the payload.
        traceback: where a bug of ours is to be found, None if it was no bug.
    """

    reason: str
    errors: tuple[ErrorDetail, ...] = ()
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Event(ABC):
    """Something that is committed and that others may follow: a frozen dataclass of plain values."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What tells this event from all others of its type, whether it is told now or found later."""

    @property
    def sender(self) -> str:
        """Whose doing it is. Followers take turns between senders."""
        return ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler returns: all that has to happen once its transaction is committed.

    Attributes:
        body: the answer's payload, or a model that becomes JSON.
        outcome: what became of the message.
        rows: how many rows it stored, for the accounts.
        log: facts for the message's one log line; None is left out.
        events: told to followers once the message is acknowledged.
        content_type: what the body is.
    """

    body: BaseModel | bytes
    outcome: Outcome
    rows: int = 0
    log: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    content_type: str = "application/json"

    @property
    def payload(self) -> bytes:
        """The answer as it is published."""
        return self.body if isinstance(self.body, bytes) else self.body.model_dump_json().encode()

    def written(self) -> "Reply":
        """The same, with the answer as it is published in place of a model."""
        return self if isinstance(self.body, bytes) else replace(self, body=self.payload)
