"""The engine, its pool, and its transactions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    AsyncTransaction,
    create_async_engine,
)

from racing_coach_server.config import VERSION
from racing_coach_server.database.beginning import LostBeforeItBeganError, look_at_checkout, send_begin
from racing_coach_server.database_settings import DatabaseSettings

_FAREWELL_S: Final = 3.0


_VANISHED_S: Final = 10
"""After so long the server gives up a client from which nothing comes any more."""
_LOCK_S: Final = 10.0

_LIVENESS: Final = {
    # A machine that loses power says no farewell. In the middle of a COPY no timeout of a transaction counts, and the
    # server's keepalive takes two hours as it comes: for so long the laps' locks would be held, against the very laps
    # that come again. Over a local socket the server ignores these.
    "tcp_keepalives_idle": f"{_VANISHED_S // 2}",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": f"{_VANISHED_S // 2}",
    "tcp_user_timeout": f"{_VANISHED_S}s",
}


def create_engine(
    settings: DatabaseSettings,
    *,
    pool_size: int,
    application: str,
    is_for_migrations: bool = False,
    is_read_only: bool = False,
) -> AsyncEngine:
    """An engine with a pool; nothing connects before it is used.

    Args:
        settings: the way to the database.
        pool_size: most connections at once; asking for one more waits.
        application: shown in `pg_stat_activity`.
        is_for_migrations: a statement, and the pause between two, may take any time.
        is_read_only: nothing can be written, and the server itself ends what takes longer than the command timeout.
    """
    limit_s = settings.command_timeout_s
    reading = {"default_transaction_read_only": "on", "statement_timeout": f"{limit_s:g}s"} if is_read_only else {}
    engine = create_async_engine(
        settings.sqlalchemy_url,
        pool_size=pool_size,
        max_overflow=0,
        # The server's process that worked last has everything at hand.
        pool_use_lifo=True,
        pool_timeout=settings.command_timeout_s,
        pool_recycle=3600,
        connect_args={
            "timeout": settings.connect_timeout_s,
            "command_timeout": None if is_for_migrations else limit_s,
            "server_settings": {
                "application_name": f"{application} {VERSION}",
                "synchronous_commit": settings.synchronous_commit,
                "timezone": "UTC",
                # Sooner than the command timeout, so that waiting for somebody's lock has a name of its own: it is
                # never held against the lap that waits.
                "lock_timeout": f"{min(limit_s / 2, _LOCK_S):g}s",
                # A daemon that was cut off in the middle of a lap must not hold its locks: the lap comes again.
                "idle_in_transaction_session_timeout": "0" if is_for_migrations else f"{limit_s:g}s",
                **reading,
                **_LIVENESS,
                **_CITUS,
            },
        },
    )
    look_at_checkout(engine)
    return engine


_CITUS: Final = {
    # Small tables are on every node. As it comes, Citus lets one transaction at a time write to such a table with
    # `on conflict`, or update it: one lap at a time. Our statements name their rows by keys, whose locks keep the
    # order that this setting gives up. A server without Citus takes it, and does nothing with it.
    "citus.all_modifications_commutative": "on",
    # Laps and their frames are deleted in one transaction: by one connection to each node, or those that delete frames
    # would not see what the one that deletes laps does.
    "citus.multi_shard_modify_mode": "sequential",
}


class Database:
    """Hands out transactions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back if it raises.

        It is begun, on a connection that is alive, before the block is. The session takes part in it without a
        transaction of its own: one that is only asked for its connection costs next to nothing.
        """
        try:
            connection, transaction = await self._begun()
        except LostBeforeItBeganError:
            # It died in the pool. That is no reason to wait: all that are as old are not used any more.
            connection, transaction = await self._begun()
        session = AsyncSession(connection, expire_on_commit=False)
        try:
            yield session
            if session.new or session.dirty or session.deleted:
                await session.flush()
            await transaction.commit()
        except BaseException:
            await _close(connection, session)
            raise
        # Nothing is left to wait for: SQLAlchemy would have tasks do that, and the answer wait for them.
        if session.in_transaction():
            await session.close()
        await connection.close()

    async def _begun(self) -> tuple[AsyncConnection, AsyncTransaction]:
        connection = await self.engine.connect()
        try:
            transaction = await connection.begin()
            await send_begin(connection)
        except BaseException:
            await _close(connection)
            raise
        return connection, transaction

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncConnection]:
        """A connection outside of any transaction, for who listens. Nobody else is given it afterwards."""
        async with self.engine.connect() as connection:
            try:
                yield connection
            finally:
                await connection.invalidate()

    async def close(self) -> None:
        """Close every connection; a server that does not take a farewell is not waited for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self.engine.dispose()


async def _close(connection: AsyncConnection, session: AsyncSession | None = None) -> None:
    """Roll back, and give the connection back. Who is cancelled meanwhile does not wait; it is done all the same."""

    async def close() -> None:
        try:
            if session is not None:
                await session.close()
            await connection.close()
        except BaseException:
            if not connection.closed:
                await connection.invalidate()  # the pool would hand it out in the middle of something
            raise

    await asyncio.shield(asyncio.create_task(close(), name="give a connection back"))
