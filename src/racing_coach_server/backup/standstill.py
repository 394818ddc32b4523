"""A database that Citus has laid over several servers stands still while it is backed up.

On one server, pg_dump reads what there was at one moment while laps come. Servers of Citus share no such moment: frames
would be read later than the laps that they belong to, and a lap that came in between would have frames and no row,
which cannot be restored.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.backup.exceptions import NoBackupError
from racing_coach_server.database.cluster import look

_AT_WORK: Final = text(
    "select distinct application_name from citus_stat_activity where datname = current_database()"
    " and application_name like 'racing-coach%' and application_name !~ '^racing-coach (backup|web)\\M' order by 1"
)
"""At all nodes. Pages write nothing."""
_LOCK: Final = text("lock table laps in share mode")
"""At all nodes. Who stores, changes or deletes a lap waits; who reads does not."""


async def hold_still(connection: AsyncConnection) -> None:
    """See that nobody writes laps until the connection's transaction ends, if the database is distributed.

    Raises:
        NoBackupError: daemons, or other programs of ours, are at work with it.
    """
    if not (await look(connection)).is_distributed:
        return
    if names := (await connection.execute(_AT_WORK)).scalars().all():
        raise NoBackupError(
            f"{', '.join(map(str, names))} works with this database, which lies on several servers: they share no one "
            "moment that could be backed up while laps come. Stop all daemons (`systemctl stop racing-coach`; rigs and "
            "brokers hold the laps meanwhile) and run this again, or take base backups of all nodes, as docs/backup.md "
            "says"
        )
    await connection.execute(_LOCK)
