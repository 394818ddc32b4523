"""What may be sent to the pages: a password, and nothing that takes memory. Who is not signed in yet sends it."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_BYTES: Final = 16_384


class Bodies:
    """Refuses a request with more than a few kilobytes in it, as soon as so many have come.

    Starlette has a limit too, which answers in words of its own and without our headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _MOST_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
