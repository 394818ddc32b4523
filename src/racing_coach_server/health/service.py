"""Asks the database how it is."""

import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.messages import DatabaseHealth
from racing_coach_server.health.exceptions import DatabaseUnhealthyError


class HealthService:
    """What the health feature does with the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def check(self) -> DatabaseHealth:
        """Ask a simple question.

        Raises:
            DatabaseUnhealthyError: it is read-only: a standby, or set so.
        """
        await self._session.connection()  # not the wait for a connection, but the answer is timed
        started = time.perf_counter()
        read_only = (await self._session.execute(text("show transaction_read_only"))).scalar_one()
        latency_ms = (time.perf_counter() - started) * 1e3
        if read_only == "on":
            raise DatabaseUnhealthyError("the database is read-only")
        return DatabaseHealth(status="healthy", latency_ms=round(latency_ms, 2))
