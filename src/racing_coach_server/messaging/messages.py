"""What passes between dispatcher and handlers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from paho.mqtt.properties import Properties

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.identity import payload_sha256

MAX_TEXT: Final = 4_000


def storable(text: str, limit: int = MAX_TEXT) -> str:
    """Text with which a sender cannot get its own rejection refused, nor fill the table.

    PostgreSQL's text and jsonb take neither U+0000 nor lone surrogates, and a reason may quote what was sent.
    """
    clean = text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    return clean if len(clean) <= limit else f"{clean[:limit]}…"


class Outcome(StrEnum):
    """What became of a message; the accounts are kept by these names."""

    STORED = "success"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Message:
    """A message on its way to a handler."""

    topic: str
    segments: Mapping[str, str]
    payload: bytes
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | None
    received_at: datetime

    @cached_property
    def payload_sha256(self) -> str:
        """SHA-256 of the payload in hex. At first use it takes 5 ms for 8 MB: `hash` before, on a thread."""
        return payload_sha256(self.payload)

    async def hash(self) -> None:
        """Have `payload_sha256` computed elsewhere than on the event loop."""
        await asyncio.to_thread(getattr, self, "payload_sha256")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message is rejected."""

    reason: str
    errors: tuple[ErrorDetail, ...] = ()
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler wants published once its transaction is committed."""

    topic: str
    payload: bytes
    properties: Properties
    outcome: Outcome
    rows: int = 0
    log: Mapping[str, Any] = field(default_factory=dict)
