"""Connections that somebody holds open: over each one it must come to something, or it is closed."""

import asyncio
import socket
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S: Final = 15.0
"""In which a request is to be here, to its last byte; uvicorn would wait for ever."""
UNSENT_S: Final = 30
"""After which the system gives up a connection whose other end takes nothing of what is being sent to it."""


class Connection(HttpToolsProtocol):
    """uvicorn's, which ends if the request that is awaited does not come.

    Otherwise whoever opens as many connections as there may be, and says nothing, keeps out everybody else.
    """

    _awaited: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Await the first request."""
        super().connection_made(transport)
        self._await()

    def data_received(self, data: bytes) -> None:
        """Await the rest of the request that begins here, if this is not all of it."""
        self._await()
        super().data_received(data)

    def on_message_complete(self) -> None:
        """It is here."""
        super().on_message_complete()
        self._await_nothing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self._await_nothing()
        super().connection_lost(exc)

    def _await(self) -> None:
        if self._awaited is None:
            self._awaited = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _await_nothing(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None


def give_up_when_nothing_is_taken(listener: socket.socket) -> None:
    """Have the system end the connections of a listener on which nothing can be sent any more, where it knows how."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_S * 1_000)
