"""An answer that goes on for as long as somebody looks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from racing_coach_core.concurrency import first_of

_HEADERS: Final = {
    # nginx would collect events before it sends them.
    "X-Accel-Buffering": "no",
}


class EventStream(Response):
    """Server-sent events. It ends with the events, or when the browser hangs up."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], status_code: int = 200) -> None:
        super().__init__(status_code=status_code, headers=_HEADERS)
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's)
        """Send."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await first_of(self._send(send), _hung_up(receive))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._events):
            async for piece in self._events:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
