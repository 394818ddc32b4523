"""Bring the schema to what this version needs."""

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

from racing_coach_server.exceptions import MigrationError

log = structlog.stdlib.get_logger(__name__)

_LOCK_KEY: Final = 0x7261_6369_6E67
"""Advisory lock of the migrations ("racing"): of several daemons that start at once, one migrates."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head_revision() -> str | None:
    """The revision this version of the program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision the database is at, None if it was never migrated."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(engine: AsyncEngine) -> None:
    """Apply what is missing, all in one transaction, under an advisory lock.

    Raises:
        MigrationError: the database is at a revision that this version does not know.
    """
    async with engine.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
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
