"""Laps are kept for as long as the settings say: the daemon deletes older ones, a few at a time, while no lap waits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import in_words
from racing_coach_server.feature import Feature
from racing_coach_server.following.locks import try_lock
from racing_coach_server.kept import Dependents
from racing_coach_server.lifecycle.pruning import Pruning
from racing_coach_server.lifecycle.sweep import Sweep

log = structlog.stdlib.get_logger(__name__)

_LOCK: Final = "retention"


class Retention:
    """Deletes what is older than laps are to be kept, at an interval. Does nothing unless it is told to."""

    def __init__(self, settings: Settings, features: Sequence[Feature], room: Callable[[], Awaitable[object]]) -> None:
        """Describe it; nothing connects before `run`.

        Args:
            settings: the daemon's settings.
            features: all of them, lower ones first.
            room: waits while messages wait for a slot; they come first.
        """
        self._settings = settings.retention
        self._features = features
        self._room = room
        self._database = Database(
            create_engine(settings.database, pool_size=1, application=f"racing-coach {settings.instance} retention")
        )

    async def run(self) -> None:
        """Look and delete for ever; return at once if laps are kept for ever."""
        days = self._settings.keep_days
        while days is not None:
            try:
                await self.prune(datetime.now(UTC) - timedelta(days=days))
            except Exception as error:  # noqa: BLE001 (laps are stored whatever becomes of old ones)
                log.error("old laps could not be deleted, it is tried again", reason=in_words(error))
            await asyncio.sleep(self._settings.interval_s)

    async def prune(self, before: datetime) -> None:
        """Delete all that was received before a time; of several daemons one does."""

        async def find(session: AsyncSession) -> Sequence[UUID]:
            return await Pruning(session).next(before) if await try_lock(session, _LOCK, _LOCK) else ()

        gone = await Sweep(self._database, self._features, Dependents.KEEP, room=self._room).run(find)
        if gone:
            log.info("old laps deleted", received_before=before.isoformat(), **gone)

    async def close(self) -> None:
        """Close the connection to the database."""
        await self._database.close()
