"""Has Citus lay a database over its nodes: looks whether that can be done, and does it in one transaction."""

from collections.abc import Callable

from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.database.cluster import Cluster, look
from racing_coach_server.database.distribute import SHARDS, Step, find_obstacles, place, steps
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.exceptions import CannotDistributeError
from racing_coach_server.database.init_db import current_revision, head_revision
from racing_coach_server.database.schema_lock import hold_schema
from racing_coach_server.database_settings import DatabaseSettings

_TRUNCATE = text("select truncate_local_data_after_distributing_table(cast(:name as regclass))")


async def distribute_database(
    settings: DatabaseSettings,
    metadata: MetaData,
    *,
    tell: Callable[[Step], None],
    shards: int = SHARDS,
    dry_run: bool = False,
) -> tuple[Cluster, list[Step]]:
    """Place every table that has no place yet.

    Args:
        settings: the way to the coordinator.
        metadata: every table, with its place.
        tell: told every table once it is placed, or would be.
        shards: pieces of a table that is distributed by a column.
        dry_run: look only.

    Returns:
        What the database was before, and what was done.

    Raises:
        CannotDistributeError: something is in the way.
    """
    engine = create_engine(settings, pool_size=1, application="racing-coach db distribute", is_for_migrations=True)
    try:
        revision = await current_revision(engine)
        async with engine.begin() as connection:
            await hold_schema(connection)
            cluster = await look(connection)
            _must_be_ready(cluster, settings.where)
            if revision != head_revision():
                raise CannotDistributeError(
                    f"it is at revision {revision}, this version needs {head_revision()}",
                    "run `racing-coach db upgrade`",
                )
            todo = steps(metadata, cluster.places)
            if obstacles := await find_obstacles(connection, cluster, todo):
                raise CannotDistributeError("; ".join(obstacles), "see docs/scaling.md, Moving")
            await _do(connection, todo, shards, tell, dry_run=dry_run)
        return cluster, todo
    finally:
        await Database(engine).close()


async def _do(
    connection: AsyncConnection, todo: list[Step], shards: int, tell: Callable[[Step], None], *, dry_run: bool
) -> None:
    if dry_run:
        for step in todo:
            tell(step)
        return
    async for step in place(connection, todo, shards=shards):
        tell(step)
    # What was copied to the nodes is still in the tables that they were copied from, where nobody sees it.
    for step in todo:
        await connection.execute(_TRUNCATE, {"name": step.table})


def _must_be_ready(cluster: Cluster, where: str) -> None:
    """See that the server is a coordinator with nodes to lay the database on.

    Raises:
        CannotDistributeError: it is not; with what to do.
    """
    if cluster.citus is None:
        lacks = (
            "the extension citus is not in this database" if cluster.is_loaded else "the server has not loaded Citus"
        )
        raise CannotDistributeError(
            f"{lacks} ({where})",
            "on every node set shared_preload_libraries = 'citus', start it again, and `create extension citus`",
        )
    if cluster.is_worker:
        raise CannotDistributeError(f"{where} is a worker", f"ask the coordinator, {cluster.coordinator}")
    if cluster.coordinator is None:
        raise CannotDistributeError(
            "the coordinator does not know its own address", "select citus_set_coordinator_host('ITS ADDRESS')"
        )
    if late := [str(node) for node in cluster.nodes if not node.is_ready]:
        raise CannotDistributeError(f"not ready: {', '.join(late)}", "select citus_activate_node('ADDRESS', PORT)")
    if not any(node.has_shards for node in cluster.nodes):
        raise CannotDistributeError("there is no worker to take rows", "select citus_add_node('ADDRESS', PORT)")
