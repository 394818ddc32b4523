"""What Citus says of a database: whether it is distributed, over which nodes, and where each table lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.database.placement import Place

_EXTENSIONS: Final = text("select extname, extversion from pg_extension where extname in ('citus', 'timescaledb')")
_IS_LOADED: Final = text("select current_setting('citus.shard_count', true) is not null")
_GROUP: Final = text("select groupid from pg_dist_local_group")
_NODES: Final = text(
    "select groupid, nodename, nodeport, shouldhaveshards, isactive and metadatasynced from pg_dist_node"
    " where noderole = 'primary' order by groupid, nodeid"
)
_PLACES: Final = text(
    "select relname, case partmethod when 'h' then column_to_column_name(logicalrelid, partkey) end"
    " from pg_dist_partition join pg_class on pg_class.oid = logicalrelid"
    " where relnamespace = current_schema()::regnamespace"
    " and (partmethod = 'h' or (partmethod = 'n' and repmodel = 't'))"
)
COORDINATOR: Final = 0
"""The group of the coordinator."""


@dataclass(frozen=True, slots=True)
class Node:
    """One server of a distributed database.

    Attributes:
        group: 0 for the coordinator.
        host: as the other nodes reach it.
        port: likewise.
        has_shards: whether it is given rows of tables that are distributed by a column.
        is_ready: whether it is active and knows where all rows lie.
    """

    group: int
    host: str
    port: int
    has_shards: bool
    is_ready: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What there is.

    Attributes:
        citus: the extension's version in this database, None without it.
        timescaledb: the same of the other extension.
        is_loaded: whether the server has loaded Citus.
        group: of the node that was asked.
        nodes: all of them, the coordinator first.
        places: of the tables that are placed.
    """

    citus: str | None = None
    timescaledb: str | None = None
    is_loaded: bool = False
    group: int = COORDINATOR
    nodes: Sequence[Node] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def is_distributed(self) -> bool:
        """Whether `racing-coach db distribute` has placed tables of ours."""
        return bool(self.places)

    @property
    def is_worker(self) -> bool:
        """Whether the node that was asked is not the coordinator, so that it takes no change of the schema."""
        return self.group != COORDINATOR

    @property
    def coordinator(self) -> Node | None:
        """The coordinator, None where it was not told its own address."""
        return next((node for node in self.nodes if node.group == COORDINATOR), None)


async def look(connection: AsyncConnection) -> Cluster:
    """Ask a database what it is."""
    extensions = {row.extname: row.extversion for row in await connection.execute(_EXTENSIONS)}
    is_loaded = bool((await connection.execute(_IS_LOADED)).scalar_one())
    citus, timescaledb = extensions.get("citus"), extensions.get("timescaledb")
    if citus is None:
        return Cluster(timescaledb=timescaledb, is_loaded=is_loaded)
    return Cluster(
        citus=citus,
        timescaledb=timescaledb,
        is_loaded=is_loaded,
        group=(await connection.execute(_GROUP)).scalar_one(),
        nodes=[Node(*row) for row in await connection.execute(_NODES)],
        places={name: Place(column) for name, column in await connection.execute(_PLACES)},
    )
