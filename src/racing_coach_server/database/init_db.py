"""Bring the schema to what this version needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from racing_coach_core.concurrency import first_of
from racing_coach_server.config import DatabaseSettings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.exceptions import MigrationError

log = structlog.stdlib.get_logger(__name__)

_ASK_S: Final = 5.0
_LOCK_TIMEOUT: Final = "10s"
_LOCK_KEY: Final = 0x7261_6369_6E67
"""Advisory lock of the migrations ("racing"): of several daemons that start at once, one migrates."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head_revision() -> str | None:
    """The revision this version of the program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known_revision(revision: str) -> bool:
    """Whether this version can bring a database of that revision to its own."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


@asynccontextmanager
async def hold_back_upgrades(engine: AsyncEngine) -> AsyncIterator[None]:
    """For the length of the block, whoever starts and wants to migrate waits.

    Raises:
        MigrationError: somebody is migrating.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = await connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY})
        if not taken.scalar_one():
            raise MigrationError("the schema of this database is being changed: wait for that, and try again")
        try:
            yield
        finally:
            await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})


async def drop_schema(engine: AsyncEngine) -> None:
    """Take away all that migrations have made, in one transaction; nothing where there is nothing."""
    async with engine.begin() as connection:
        await connection.run_sync(_drop_schema)


def _drop_schema(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, "base")
    connection.execute(text("drop table if exists alembic_version"))


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision the database is at, None if it was never migrated."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade_database(settings: DatabaseSettings) -> str | None:
    """Bring the schema to what this version needs, however long that takes; the revision that it is at then.

    A timeout for statements would cancel a migration of a large table, and the next try too. So there is none, and a
    connection beside it asks all the time whether the server is still there.

    Raises:
        MigrationError: the database is at a revision that this version does not know.
    """
    migrating, watching = (
        create_engine(settings, pool_size=1, application="racing-coach db upgrade", is_for_migrations=which)
        for which in (True, False)
    )
    try:
        await first_of(upgrade(migrating), _until_it_is_gone(watching))
        return await current_revision(watching)
    finally:
        # One that is gone would not take the farewell, either.
        await Database(migrating).close()
        await Database(watching).close()


async def _until_it_is_gone(engine: AsyncEngine) -> None:
    """Ask at an interval, until there is no answer.

    Raises:
        Exception: whatever the driver says of a server that does not answer.
    """
    while True:
        await asyncio.sleep(_ASK_S)
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))


async def upgrade(engine: AsyncEngine) -> None:
    """Apply what is missing, all in one transaction, under an advisory lock.

    Raises:
        MigrationError: the database is at a revision that this version does not know.
    """
    async with engine.begin() as connection:
        # Another daemon may migrate for an hour. But a table that others read is not waited for any longer than usual:
        # whoever comes after us would wait behind us.
        await connection.execute(text("select set_config('lock_timeout', '0', true)"))
        await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        await connection.execute(text("select set_config('lock_timeout', :limit, true)"), {"limit": _LOCK_TIMEOUT})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    before = MigrationContext.configure(connection).get_current_revision()
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise MigrationError(
            f"the database is at revision {before!r}, which this version does not know ({error}); "
            "install the version that migrated it, or a newer one"
        ) from error
    after = MigrationContext.configure(connection).get_current_revision()
    if before == after:
        log.info("database schema is current", revision=after)
    else:
        log.info("database schema upgraded", before=before, after=after)
