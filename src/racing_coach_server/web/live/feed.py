"""What browsers that look at the pit wall are sent."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from racing_coach_core.web_laps import WebDocument
from racing_coach_core.web_live import Ping
from racing_coach_server.web.exceptions import TooManyViewersError
from racing_coach_server.web.live.ring import Ring, sse
from racing_coach_server.web.live.wall import Wall

_PING_S: Final = 10.0
_RETRY: Final = b"retry: 1000\n\n"
_SNAPSHOT_S: Final = 1.0
"""A snapshot that was made for one is good for others who come at the same time."""
_VIEWERS: Final = 1_000
_PIECE: Final = 1 << 16
"""Bytes that are handed over at once. Whoever takes them slowly has no more of them waiting, whatever was missed."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The wall, for all who come within a second, as JSON and as an event; `number` is that of the last one in it."""

    number: int
    made_at: float
    document: str
    event: bytes


class Feed:
    """The wall, and its events for all who look.

    Attributes:
        wall: what is shown.
        viewers: how many look.
    """

    def __init__(self) -> None:
        self._ring = Ring()
        self.wall = Wall(self._tell)
        self.viewers = 0
        self._snapshot: _Snapshot | None = None

    def close(self) -> None:
        """End every stream: the process stops."""
        self._ring.close()

    def snapshot(self) -> str:
        """The whole wall, as JSON."""
        return self._whole().document

    def events(self, last_event_id: str | None) -> AsyncGenerator[bytes]:
        """The events after one, and those that are to come; the whole wall first, if that one is not held any more.

        Raises:
            TooManyViewersError: so many look already.
        """
        if self.viewers >= _VIEWERS:
            raise TooManyViewersError(_VIEWERS)
        return self._events(self._ring.number_of(last_event_id))

    async def _events(self, number: int | None) -> AsyncGenerator[bytes]:
        self.viewers += 1
        try:
            yield _RETRY
            while not self._ring.closed:
                events = None if number is None else self._ring.since(number, most_bytes=_PIECE)
                if events is None:
                    whole = self._whole()
                    number = whole.number
                    for start in range(0, len(whole.event), _PIECE):
                        yield whole.event[start : start + _PIECE]
                elif events:
                    number = events[-1].number
                    yield b"".join(event.text for event in events)
                else:
                    assert number is not None
                    if not await self._more(number):
                        yield sse("ping", Ping(at=datetime.now(UTC)).model_dump_json())
        finally:
            self.viewers -= 1

    async def _more(self, number: int) -> bool:
        """Wait for an event after one. Returns whether there is one, or nobody waits any longer."""
        try:
            async with asyncio.timeout(_PING_S):
                await self._ring.more(number)
        except TimeoutError:
            return False
        return True

    def _whole(self) -> "_Snapshot":
        now, kept = asyncio.get_running_loop().time(), self._snapshot
        if kept is None or kept.number != self._ring.last or now - kept.made_at > _SNAPSHOT_S:
            document = self.wall.document().model_dump_json()
            event = sse("snapshot", document, self._ring.id_of(self._ring.last))
            kept = self._snapshot = _Snapshot(self._ring.last, now, document, event)
        return kept

    def _tell(self, kind: str, document: WebDocument) -> None:
        self._ring.add(kind, document.model_dump_json())
