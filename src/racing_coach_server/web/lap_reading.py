"""Where laps are read for a page: at the read replica, or at the database where the replica does not do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import Fault
from racing_coach_server.config import Settings
from racing_coach_server.database.faults import fault_of, in_words, is_too_slow
from racing_coach_server.database.replica import lag_of
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.web.exceptions import (
    LapNotFoundError,
    NothingDrivenError,
    NothingSaidError,
    ReplicaBehindError,
)
from racing_coach_server.web.reading import ReadOnly

log = structlog.stdlib.get_logger(__name__)

_MOST_BEHIND: Final = timedelta(seconds=10)
"""Who saw a lap on the pit wall, and then looks for it among all laps, is surprised by more."""
_ANSWERS_WITHIN_S: Final = 3.0
_REST_S: Final = 15.0
"""For so long nobody waits again for a replica that did not do."""
_PERHAPS_NOT_THERE_YET: Final = (LapNotFoundError, NothingDrivenError, NothingSaidError)

type Work[T] = Callable[[AsyncSession], Awaitable[T]]


class LapReading:
    """Reads, each time in one transaction.

    A replica that is away, that its primary does not reach, or that is too far behind, is left alone for a while; what
    it does not have yet is looked for at the database. While the database is away, the replica has the last word,
    however old it is.
    """

    def __init__(self, settings: Settings) -> None:
        """Describe it; nothing connects before something is read."""
        has_replica = settings.database.read_url is not None
        self._database = _way(settings, settings.database)
        self._replica = _way(settings, settings.database.for_reading) if has_replica else None
        self._rests_until = 0.0

    async def read[T](self, work: Work[T]) -> T:
        """Do work that only reads; it may be done twice.

        Raises:
            Exception: what the work or the database says.
        """
        if self._replica is None:
            return await _read(self._database, work)
        if time.monotonic() >= self._rests_until:
            try:
                return await self._at_replica(self._replica, work)
            except _PERHAPS_NOT_THERE_YET:
                pass
            except Exception as error:
                if not _is_to_be_asked_elsewhere(error):
                    raise
                self._rests_until = time.monotonic() + _REST_S
                log.warning("the read replica is not used for a while", reason=in_words(error), seconds=_REST_S)
        try:
            return await _read(self._database, work)
        except Exception as error:
            if not _is_to_be_asked_elsewhere(error):
                raise
            return await _read(self._replica, work)

    @staticmethod
    async def _at_replica[T](replica: ReadOnly, work: Work[T]) -> T:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                session = await stack.enter_async_context(replica.session())
                lag = await lag_of(session)
            if lag is not None and not lag.is_within(_MOST_BEHIND):
                raise ReplicaBehindError(lag)
            return await work(session)

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()
        if self._replica is not None:
            await self._replica.close()


def _way(settings: Settings, database: DatabaseSettings) -> ReadOnly:
    web = settings.web
    return ReadOnly(
        database, timeout_s=web.statement_timeout_s, connections=web.connections, application="racing-coach web"
    )


async def _read[T](where: ReadOnly, work: Work[T]) -> T:
    async with where.session() as session:
        return await work(session)


def _is_to_be_asked_elsewhere(error: Exception) -> bool:
    """Whether another server may well do it; what takes too long would take as long there."""
    return fault_of(error) is Fault.WORLD and not is_too_slow(error)
