"""The engine, its pool, and the one place that opens and ends transactions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from racing_coach_server.config import VERSION, DatabaseSettings

_FAREWELL_S: Final = 3.0


def create_engine(settings: DatabaseSettings, *, pool_size: int, application: str) -> AsyncEngine:
    """An engine with a pool; nothing connects before it is used.

    Args:
        settings: the way to the database.
        pool_size: most connections at once; asking for one more waits.
        application: shown in `pg_stat_activity`.
    """
    return create_async_engine(
        settings.sqlalchemy_url,
        pool_size=pool_size,
        max_overflow=0,
        # A connection that died in the pool is noticed before a lap is given to it.
        pool_pre_ping=True,
        pool_timeout=settings.command_timeout_s,
        pool_recycle=3600,
        connect_args={
            "timeout": settings.connect_timeout_s,
            "command_timeout": settings.command_timeout_s,
            "server_settings": {
                "application_name": f"{application} {VERSION}",
                "synchronous_commit": settings.synchronous_commit,
                "timezone": "UTC",
                # Sooner than the command timeout, so that waiting for somebody's lock has a name of its own: it is
                # never held against the lap that waits.
                "lock_timeout": f"{settings.command_timeout_s / 2:g}s",
                # A daemon that was cut off in the middle of a lap must not hold its locks: the lap comes again.
                "idle_in_transaction_session_timeout": f"{settings.command_timeout_s:g}s",
            },
        },
    )


class Database:
    """Hands out transactions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back if it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close every connection; a server that does not take a farewell is not waited for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self.engine.dispose()
