"""An event stream as a browser reads it, over a socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_demo.processes import free_port
from racing_coach_server.config import Settings
from racing_coach_server.web.app import create_app


@dataclass(frozen=True)
class Event:
    """One event."""

    kind: str
    id: str | None
    data: Any


class Stream:
    """The events of one connection, from where the one before ended."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.seen: list[Event] = []

    async def next(self, *kinds: str) -> Event:
        """The next event of these kinds, or of any kind; those before it are in `seen`."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                event = await self._read()
                self.seen.append(event)
                if not kinds or event.kind in kinds:
                    return event

    async def until(self, holds: Any) -> Event:
        """The next event of which something holds."""
        while not holds(event := await self.next()):
            pass
        return event

    async def _read(self) -> Event:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
        raise EOFError("the stream ended")


class Site:
    """Pages that are served over a socket in this process."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url

    @asynccontextmanager
    async def events(self, last_event_id: str | None = None) -> AsyncIterator[Stream]:
        """Look at the pit wall, from an event on."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_S) as client,
            client.stream("GET", "/api/v1/events", headers=headers) as response,
        ):
            yield Stream(response)

    async def get(self, path: str) -> Any:
        """The JSON at a path."""
        async with httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_S) as client:
            return (await client.get(f"/api/v1/{path}")).json()

    async def reaches(self, *, broker: bool = True, database: bool = True) -> None:
        """Wait until it reaches these, and those no more that it shall not."""

        async def holds() -> bool:
            sources = (await self.get("health"))["sources"]
            return (sources["broker"]["reachable"], sources["database"]["reachable"]) == (broker, database)

        await eventually(holds)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Site]:
    """Serve the pages meanwhile."""
    app = create_app(settings)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_signals(server))
        task = asyncio.create_task(server.serve(), name="pages")
        try:
            await eventually(lambda: server.started or task.done())
            yield Site(settings, f"http://127.0.0.1:{port}")
        finally:
            app.state.site.feed.close()
            server.should_exit = True
            await task


@contextlib.contextmanager
def _without_signals(server: uvicorn.Server) -> Any:
    """Signals are the tests' own."""
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    yield
