"""What the routes use, for as long as the process lives."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Request

from racing_coach_core.web_live import HealthDocument
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.web.files import Files
from racing_coach_server.web.lap_reading import LapReading
from racing_coach_server.web.live.broker_watch import BrokerWatch
from racing_coach_server.web.live.database_watch import DatabaseWatch
from racing_coach_server.web.live.feed import Feed
from racing_coach_server.web.security.sessions import Sessions

if TYPE_CHECKING:
    from racing_coach_server.web.laps.pages import LapPages

_TRACE_BYTES: Final = 8 << 20
"""Of the laps that somebody looks at, and holds against one another."""

_LAP_PAGES: Final = "racing_coach_server.web.laps.pages"


class Site:
    """Settings, files, who is signed in, the way to the database, and what is live."""

    def __init__(self, settings: Settings) -> None:
        """Put it together; nothing connects before `running`."""
        self.settings = settings
        self.files = Files()
        self.sessions = Sessions(settings.web)
        self.dependencies = Dependencies(settings, trace_bytes=_TRACE_BYTES)
        self.laps = LapReading(settings)
        self.feed = Feed()
        self.troubles: Sequence[Trouble] = ()
        """Of the way to the database and to the broker, while `running`."""
        self._lap_pages: LapPages | None = None
        self._started = time.monotonic()

    @contextlib.asynccontextmanager
    async def running(self, *_: Any) -> AsyncIterator[None]:
        """Listen to broker and database meanwhile."""
        database = DatabaseWatch(self.settings, self.feed.wall)
        broker = BrokerWatch(self.settings, self.feed.wall, database.look_at)
        self.troubles = (database.trouble, broker.trouble)
        try:
            async with asyncio.TaskGroup() as tasks:
                watches = [
                    tasks.create_task(database.run(), name="listen to the database"),
                    tasks.create_task(broker.run(), name="listen to the broker"),
                ]
                try:
                    yield
                finally:
                    self.feed.close()
                    for watch in watches:
                        watch.cancel()
        finally:
            await self.laps.close()
            self.dependencies.close()

    async def lap_pages(self) -> "LapPages":
        """What is said of single laps; at first use it is loaded, on a thread."""
        if self._lap_pages is None:
            module = await asyncio.to_thread(import_module, _LAP_PAGES)
            self._lap_pages = self.dependencies.once(module.LapPages)
        return self._lap_pages

    def health(self) -> HealthDocument:
        """How this process, and all that it hears of, is."""
        wall = self.feed.wall
        daemons = wall.daemon_documents
        is_well = (
            wall.broker.reachable
            and wall.database.reachable
            and all(
                one.online and not one.is_late and (one.heartbeat is None or one.heartbeat.status == "healthy")
                for one in daemons
            )
        )
        return HealthDocument(
            status="healthy" if is_well else "degraded",
            version=VERSION,
            uptime_s=round(time.monotonic() - self._started, 3),
            sources=wall.sources,
            daemons=daemons,
            viewers=self.feed.viewers,
        )


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


TheSite = Annotated[Site, Depends(site_of)]
"""What a route is given."""
