"""What browsers that look at the pit wall are sent."""

import asyncio
from collections.abc import AsyncGenerator
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
        self._snapshot: tuple[int, float, str] | None = None

    def close(self) -> None:
        """End every stream: the process stops."""
        self._ring.close()

    def snapshot(self) -> str:
        """The whole wall, as JSON."""
        return self._whole()[1]

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
                events = None if number is None else self._ring.since(number)
                if events is None:
                    number, whole = self._whole()
                    yield sse("snapshot", whole, self._ring.id_of(number))
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

    def _whole(self) -> tuple[int, str]:
        """The number of the last event that is in it, and the wall."""
        now = asyncio.get_running_loop().time()
        kept = self._snapshot
        if kept is None or kept[0] != self._ring.last or now - kept[1] > _SNAPSHOT_S:
            kept = self._snapshot = (self._ring.last, now, self.wall.document().model_dump_json())
        return kept[0], kept[2]

    def _tell(self, kind: str, document: WebDocument) -> None:
        self._ring.add(kind, document.model_dump_json())
