"""The tables of a database laid over the nodes of Citus, each where it belongs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.database.cluster import Cluster
from racing_coach_server.database.exceptions import CannotDistributeError
from racing_coach_server.database.placement import ON_EVERY_NODE, Place, by_dependence, place_of

SHARDS: Final = 32
"""Pieces of a table that is distributed by a column: the most nodes over which it can lie one day."""

_VERSION_TABLE: Final = "alembic_version"
"""Every node is asked for the revision."""

_FOREIGN: Final = text(
    "select format('the table %s refers to %s', conrelid::regclass, confrelid::regclass) from pg_constraint"
    " where contype = 'f' and confrelid::regclass::text = any(:ours) and not conrelid::regclass::text = any(:ours)"
)
_TRIGGERS: Final = text(
    "select format('the table %s has the trigger %s', tgrelid::regclass, tgname) from pg_trigger"
    " where not tgisinternal and tgrelid::regclass::text = any(:ours)"
)
_OLD_ROWS: Final = text(
    "select 'laps are stored in the form of an older version (racing-coach db convert)'"
    " where to_regclass('telemetry_rows') is not null"
)
_TIMESCALEDB: Final = "the extension timescaledb is in this database (drop it: nothing of ours uses it)"


@dataclass(frozen=True, slots=True)
class Step:
    """One table to be placed.

    Attributes:
        table: its name.
        place: where its rows are to lie.
    """

    table: str
    place: Place

    @property
    def statement(self) -> str:
        """What Citus is told."""
        if self.place.column is None:
            return f"select create_reference_table('{self.table}')"
        return f"select create_distributed_table('{self.table}', '{self.place.column}')"


def steps(metadata: MetaData, placed: Mapping[str, Place]) -> list[Step]:
    """What is still to be done, in an order in which it can be done.

    Args:
        metadata: every table, with its place.
        placed: the tables that have theirs.

    Raises:
        LookupError: a table has no place.
        CannotDistributeError: a table lies elsewhere.
    """
    version = Table(_VERSION_TABLE, MetaData(), info=ON_EVERY_NODE)
    wanted = {table.name: place_of(table) for table in by_dependence([version, *metadata.sorted_tables])}
    elsewhere = [
        f"the table {name} lies {placed[name]}" for name, place in wanted.items() if placed.get(name, place) != place
    ]
    if elsewhere:
        raise CannotDistributeError("; ".join(elsewhere), "see docs/scaling.md, Moving")
    return [Step(name, place) for name, place in wanted.items() if name not in placed]


async def find_obstacles(connection: AsyncConnection, cluster: Cluster, todo: list[Step]) -> list[str]:
    """What in the database Citus would trip over, in words; nothing if the way is free."""
    ours = {"ours": [step.table for step in todo]}
    questions = (_OLD_ROWS, _FOREIGN, _TRIGGERS)
    found = [row[0] for question in questions for row in await connection.execute(question, ours)]
    return [*found, *([_TIMESCALEDB] if cluster.timescaledb else [])]


async def place(connection: AsyncConnection, todo: list[Step], *, shards: int = SHARDS) -> AsyncIterator[Step]:
    """Place tables one after another, in the connection's transaction; each is told once it lies where it belongs.

    A table's rows go where they belong with it, while nobody writes to it.
    """
    await one_by_one(connection)
    await connection.execute(text("select set_config('citus.shard_count', :shards, true)"), {"shards": str(shards)})
    for step in todo:
        await connection.execute(text(step.statement))
        yield step


async def one_by_one(connection: AsyncConnection) -> None:
    """Have the transaction use one connection to each node, so that each statement sees what those before have done.

    A server without Citus takes the setting, and does nothing with it.
    """
    await connection.execute(text("select set_config('citus.multi_shard_modify_mode', 'sequential', true)"))
