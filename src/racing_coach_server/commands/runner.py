"""What every command needs: settings, a transaction, one clear error."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.config import Settings, load_settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import in_words
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.logging import configure_logging


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


def with_database[T](work: Callable[[Database, Settings], Awaitable[T]], *, unlimited: bool = False) -> T:
    """Do a command's work, in as many transactions as it takes.

    Args:
        work: the command's.
        unlimited: a statement may take any time, as in a migration; a lock may not.

    Raises:
        CommandError: the database is not reached, or refuses.
    """
    settings = load_settings()
    configure_logging(settings.log)

    async def go() -> T:
        engine = create_engine(
            settings.database, pool_size=1, application="racing-coach command", is_for_migrations=unlimited
        )
        database = Database(engine)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    try:
        return run_async(go())
    except RacingCoachError:
        raise
    except Exception as error:
        raise CommandError(
            f"the database at {settings.database.where} did not do it: {in_words(error)}; "
            "check RACING_COACH_DATABASE__URL, and `racing-coach doctor`"
        ) from error
