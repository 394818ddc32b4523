"""Connections that are held open come to an end, whoever holds them, and do not keep out others."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from tests.infra import Broker
from tests.server.web.conftest import web_settings
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_server.web.security import connections
from racing_coach_server.web.server import listening

_LONG: int = 64 << 20
"""Bytes; more than any socket takes of what nobody reads."""


@dataclass
class Serving:
    """Where it listens, and who is connected."""

    port: int
    connections: Collection[object]


@contextlib.contextmanager
def serving(broker: Broker, app: FastAPI) -> Iterator[Serving]:
    """An application behind our listener and our protocol."""
    with listening(web_settings(broker, port=free_port())) as listener:
        configuration = uvicorn.Config(app, http=connections.Connection, ws="none", log_config=None, lifespan="off")
        server = uvicorn.Server(configuration)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield Serving(listener.getsockname()[1], server.server_state.connections)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def short() -> str:
        return "there"

    @app.get("/long")
    async def long() -> StreamingResponse:
        return StreamingResponse(bytes(1 << 16) for _ in range(_LONG >> 16))

    return app


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
    ],
    ids=["nothing", "half a head", "half a body", "a blank line after one", "half of a second one"],
)
def test_a_request_that_does_not_come_is_not_waited_for(
    broker: Broker, app: FastAPI, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is closed; before that uvicorn waited for ever."""
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)
    with (
        serving(broker, app) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as held,
        contextlib.suppress(ConnectionError),  # closed in the middle, which is as good
    ):
        held.sendall(begun)
        while held.recv(65_536):
            pass


async def test_what_nobody_takes_is_given_up(broker: Broker, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system ends a connection whose other end reads nothing of a long answer."""
    monkeypatch.setattr(connections, "UNSENT_S", 1)
    with (
        serving(broker, app) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as held,
    ):
        held.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: server.connections)
        await eventually(lambda: not server.connections)


def test_requests_that_come_are_answered(broker: Broker, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another on one connection, also when the answer takes longer than a request may."""
    monkeypatch.setattr(connections, "REQUEST_S", 60)
    with (
        serving(broker, app) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=TIMEOUT_S) as client,
    ):
        assert [client.get("/").json() for _ in range(3)] == ["there"] * 3
        assert len(client.get("/long").content) == _LONG
