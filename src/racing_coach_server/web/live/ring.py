"""The last events, once for all who look: whoever is slow has a place in here, and no queue of its own."""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

_BYTES: Final = 8 << 20
_DIGITS: Final = 15
"""Of an event's number, at most: Python refuses to read one of thousands."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is sent.

    Attributes:
        number: from 1, without a gap.
        text: in the format of server-sent events.
    """

    number: int
    text: bytes


class Ring:
    """Events by their numbers, as many as fit."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._events: deque[Event] = deque()
        self._held = 0
        self._more = asyncio.Event()
        self.name = secrets.token_hex(4)
        """Of this process: an id that another one gave is of no use here."""
        self.last = 0
        self.closed = False

    def add(self, kind: str, data: str) -> None:
        """Add an event; those that are older make room."""
        self.last += 1
        event = Event(self.last, sse(kind, data, self.id_of(self.last)))
        self._events.append(event)
        self._held += len(event.text)
        while self._held > self._limit:
            self._held -= len(self._events.popleft().text)
        self._wake()

    def close(self) -> None:
        """Nobody waits any longer."""
        self.closed = True
        self._wake()

    def since(self, number: int, *, most_bytes: int = _BYTES) -> Sequence[Event] | None:
        """The first events after one, as many as fit into so many bytes, one at least; None if they are not held."""
        if number > self.last:
            return None
        missing = self.last - number
        if missing > len(self._events):
            return None
        events: list[Event] = []
        for event in islice(self._events, len(self._events) - missing, None):
            most_bytes -= len(event.text)
            if events and most_bytes < 0:
                break
            events.append(event)
        return events

    async def more(self, number: int) -> None:
        """Wait for an event after one."""
        while self.last <= number and not self.closed:
            await self._more.wait()

    def id_of(self, number: int) -> str:
        """What a browser gives back to go on after an event."""
        return f"{self.name}-{number}"

    def number_of(self, event_id: str | None) -> int | None:
        """The number of an event of ours by its id; None for any other text."""
        name, _, number = (event_id or "").rpartition("-")
        is_ours = name == self.name and number.isascii() and number.isdigit() and len(number) <= _DIGITS
        return int(number) if is_ours else None

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


def sse(kind: str, data: str, event_id: str | None = None) -> bytes:
    r"""An event in the format of server-sent events (HTML standard, section 9.2). JSON has no line breaks.

    >>> sse("ping", "{}", "a-1")
    b'id: a-1\nevent: ping\ndata: {}\n\n'
    """
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {kind}\ndata: {data}\n\n".encode()
