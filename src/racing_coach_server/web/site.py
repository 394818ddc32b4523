"""What the routes use, for as long as the process lives."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request

from racing_coach_core.web_live import HealthDocument
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.web.files import Files
from racing_coach_server.web.live.broker_watch import BrokerWatch
from racing_coach_server.web.live.database_watch import DatabaseWatch
from racing_coach_server.web.live.feed import Feed
from racing_coach_server.web.reading import ReadOnly
from racing_coach_server.web.security.sessions import Sessions


class Site:
    """Settings, files, who is signed in, the way to the database, and what is live."""

    def __init__(self, settings: Settings) -> None:
        """Put it together; nothing connects before `running`."""
        self.settings = settings
        self.files = Files()
        self.sessions = Sessions(settings.web)
        self.dependencies = Dependencies(settings)
        self.reading = ReadOnly(settings, connections=settings.web.connections, application="racing-coach web")
        self.feed = Feed()
        self._started = time.monotonic()

    @contextlib.asynccontextmanager
    async def running(self, *_: Any) -> AsyncIterator[None]:
        """Listen to broker and database meanwhile."""
        database = DatabaseWatch(self.settings, self.feed.wall)
        broker = BrokerWatch(self.settings, self.feed.wall, database.look_at)
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
            await self.reading.close()
            self.dependencies.close()

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
