"""The web process's way to the database: it can read, and nothing takes long."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database_settings import DatabaseSettings

_CONNECT_S: Final = 3.0
"""A page waits no longer for a database that is away."""


class ReadOnly:
    """Hands out transactions in which nothing can be written; the server ends a statement that takes too long."""

    def __init__(self, database: DatabaseSettings, *, timeout_s: float, connections: int, application: str) -> None:
        way = database.model_copy(
            update={"connect_timeout_s": min(database.connect_timeout_s, _CONNECT_S), "command_timeout_s": timeout_s}
        )
        engine = create_engine(way, pool_size=connections, application=application, is_read_only=True)
        self._database = Database(engine)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction."""
        async with self._database.transaction() as session:
            yield session

    def listening(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection outside of any transaction, for who listens."""
        return self._database.listening()

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()
