"""The lock under which the schema changes, and the limits that hold meanwhile."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LOCK_TIMEOUT: Final = "10s"
"""So long a table is waited for that others use: whoever comes after us would wait behind us."""
LOCK_KEY: Final = 0x7261_6369_6E67
"""Advisory lock of the migrations ("racing"): of several daemons that start at once, one migrates. A distributed
database changes its schema at its coordinator alone, so that the lock of that one server is enough."""


async def hold_schema(connection: AsyncConnection) -> None:
    """Be the only one to change the schema until the connection's transaction ends; waits for who is at it."""
    # The role's or the database's own limit would cancel a migration of a large table, and the next try too.
    await connection.execute(text("select set_config('statement_timeout', '0', true)"))
    # Another daemon may migrate for an hour.
    await connection.execute(text("select set_config('lock_timeout', '0', true)"))
    await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    await connection.execute(text("select set_config('lock_timeout', :limit, true)"), {"limit": LOCK_TIMEOUT})
