"""What every command needs: settings, a transaction, one clear error."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.config import Settings, load_settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import in_words, is_read_only
from racing_coach_server.database.replica import lag_of
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError


def run_async[T](main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 (not on Windows)
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def in_transaction[T](work: Callable[[AsyncSession, Settings], Awaitable[T]]) -> T:
    """Do a command's work in one transaction of its own.

    Raises:
        CommandError: the database is not reached, or refuses.
    """

    async def go(database: Database, settings: Settings) -> T:
        async with database.transaction() as session:
            return await work(session, settings)

    return with_database(go)


def with_dependencies[T](work: Callable[[AsyncSession, Dependencies], Awaitable[T]]) -> T:
    """The same for work that features' services do.

    Raises:
        CommandError: the database is not reached, or refuses.
    """

    async def go(session: AsyncSession, settings: Settings) -> T:
        with Dependencies(settings) as dependencies:
            return await work(session, dependencies)

    return in_transaction(go)


def reading[T](work: Callable[[AsyncSession, Settings], Awaitable[T]]) -> T:
    """Do a command's work that only reads, in one transaction: at the read replica, where there is one.

    Raises:
        CommandError: the database is not reached, or refuses.
    """

    async def go(database: Database, settings: Settings) -> T:
        async with database.transaction() as session:
            return await work(session, settings)

    return with_database(go, is_for_reading=True)


def reading_with_dependencies[T](work: Callable[[AsyncSession, Dependencies], Awaitable[T]]) -> T:
    """The same for work that features' services do, and that may have to keep something: then it is done anew where
    that can be kept.

    Raises:
        CommandError: the database is not reached, or refuses.
    """

    async def go(session: AsyncSession, settings: Settings) -> T:
        with Dependencies(settings) as dependencies:
            return await work(session, dependencies)

    if load_settings().database.read_url is not None:
        try:
            return reading(go)
        except CommandError as error:
            if not is_read_only(error):
                raise
    return in_transaction(go)


def with_database[T](
    work: Callable[[Database, Settings], Awaitable[T]], *, is_for_reading: bool = False, unlimited: bool = False
) -> T:
    """Do a command's work, in as many transactions as it takes.

    Args:
        work: the command's.
        is_for_reading: at the read replica, where there is one, of which it is said how far it is behind; what would
            write is refused.
        unlimited: a statement may take any time, as in a migration; a lock may not.

    Raises:
        CommandError: the database is not reached, or refuses.
    """
    settings = load_settings()
    if not is_for_reading:
        # What only reads has nothing to log, and is waited for: structlog would be a twentieth of the wait.
        from racing_coach_server.logging import configure_logging  # noqa: PLC0415

        configure_logging(settings.log)
    where = settings.database.for_reading if is_for_reading else settings.database
    variable = "READ_URL" if where is not settings.database else "URL"

    async def go() -> T:
        engine = create_engine(
            where,
            pool_size=1,
            application="racing-coach command",
            is_for_migrations=unlimited,
            is_read_only=is_for_reading,
        )
        database = Database(engine)
        try:
            if where is not settings.database:
                await _tell_lag(database)
            return await work(database, settings)
        finally:
            await database.close()

    try:
        return run_async(go())
    except RacingCoachError:
        raise
    except Exception as error:
        raise CommandError(
            f"the database at {where.where} did not do it: {in_words(error)}; "
            f"check RACING_COACH_DATABASE__{variable}, and `racing-coach doctor`"
        ) from error


async def _tell_lag(replica: Database) -> None:
    async with replica.transaction() as session:
        lag = await lag_of(session)
    if lag is not None and lag.is_worth_saying:
        Console(stderr=True).print(f"from the read replica, {lag}", highlight=False, soft_wrap=True)
