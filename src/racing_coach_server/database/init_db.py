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
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from racing_coach_core.concurrency import first_of
from racing_coach_server.database.base import Base
from racing_coach_server.database.cluster import Cluster, look
from racing_coach_server.database.distribute import one_by_one, place, steps
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.exceptions import NotTheCoordinatorError
from racing_coach_server.database.schema_lock import LOCK_KEY, hold_schema
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.exceptions import MigrationError

log = structlog.stdlib.get_logger(__name__)

_ASK_S: Final = 5.0


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
        taken = await connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": LOCK_KEY})
        if not taken.scalar_one():
            raise MigrationError("the schema of this database is being changed: wait for that, and try again")
        try:
            yield
        finally:
            await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK_KEY})


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


async def upgrade_database(settings: DatabaseSettings, metadata: MetaData = Base.metadata) -> str | None:
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
        await first_of(upgrade(migrating, metadata), _until_it_is_gone(watching))
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


async def upgrade(engine: AsyncEngine, metadata: MetaData = Base.metadata) -> None:
    """Apply what is missing, all in one transaction, under an advisory lock.

    Of a distributed database only the coordinator changes the schema, and places tables that are new.

    Args:
        engine: one whose statements have no limit.
        metadata: every table, with its place.

    Raises:
        MigrationError: the database is at a revision that this version does not know.
        NotTheCoordinatorError: something is missing, and this node cannot change the schema.
    """
    async with engine.begin() as connection:
        await hold_schema(connection)
        cluster = await look(connection)
        if cluster.is_worker:
            await connection.run_sync(_must_be_current, cluster)
            return
        await one_by_one(connection)
        await connection.run_sync(_upgrade)
        if cluster.is_distributed:
            todo = steps(metadata, (await look(connection)).places)
            async for step in place(connection, todo):
                log.info("table placed", table=step.table, place=str(step.place))


def _must_be_current(connection: Connection, cluster: Cluster) -> None:
    """See that there is nothing to do at a node that could not do it."""
    script = ScriptDirectory.from_config(_config())
    current, head = MigrationContext.configure(connection).get_current_revision(), script.get_current_head()
    if current != head:
        try:
            script.get_revision(current or "base")
        except CommandError as error:
            raise _unknown(current, error) from error
        raise NotTheCoordinatorError(str(cluster.coordinator), current, head)
    log.info("database schema is current", revision=current)


def _upgrade(connection: Connection) -> None:
    before = MigrationContext.configure(connection).get_current_revision()
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise _unknown(before, error) from error
    after = MigrationContext.configure(connection).get_current_revision()
    if before == after:
        log.info("database schema is current", revision=after)
    else:
        log.info("database schema upgraded", before=before, after=after)


def _unknown(revision: str | None, error: CommandError) -> MigrationError:
    return MigrationError(
        f"the database is at revision {revision!r}, which this version does not know ({error}); "
        "install the version that migrated it, or a newer one"
    )
