"""What has to be known of a database before it is backed up or restored into."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.config import VERSION

OURS: Final = "racing-coach restore"
"""The name by which a restore is known to the server; of pg_restore itself, which may outlive us, without a version."""

_OTHERS: Final = text(
    "select distinct application_name from pg_stat_activity where datname = current_database()"
    " and application_name like 'racing-coach%' and application_name <> :mine order by 1"
)
_VERSION: Final = text("select current_setting('server_version_num')::int / 10000")
_EXTENSION: Final = text("select extversion from pg_extension where extname = 'timescaledb'")
_HYPERTABLES: Final = text("select exists (select from timescaledb_information.hypertables)")
_SIZE: Final = text("select pg_database_size(current_database())")
_TABLES_SIZE: Final = text(
    "select coalesce(sum(pg_table_size(oid)), 0)::bigint from pg_class"
    " where relkind in ('r', 'm') and relpersistence = 'p'"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A database and its server.

    Attributes:
        version: PostgreSQL's major version.
        timescaledb: the extension's version in this database, None without it.
        has_hypertables: whether it keeps any table of ours; daemons of before had it do so.
        database_bytes: of the database on disk.
        table_bytes: of its tables, without indexes.
    """

    version: int
    timescaledb: str | None
    has_hypertables: bool
    database_bytes: int
    table_bytes: int


async def look_at(connection: AsyncConnection) -> Server:
    """Ask it."""
    extension = (await connection.execute(_EXTENSION)).scalar()
    return Server(
        version=(await connection.execute(_VERSION)).scalar_one(),
        timescaledb=extension,
        has_hypertables=bool(extension and (await connection.execute(_HYPERTABLES)).scalar()),
        database_bytes=(await connection.execute(_SIZE)).scalar_one(),
        table_bytes=(await connection.execute(_TABLES_SIZE)).scalar_one(),
    )


async def others_at_work(connection: AsyncConnection) -> list[str]:
    """Programs of ours that are connected to this database: daemons, and whatever else."""
    names = await connection.execute(_OTHERS, {"mine": f"{OURS} {VERSION}"})
    return [str(name) for name in names.scalars()]
