"""BEGIN, sent when a transaction is opened: it also shows whether the connection is alive.

SQLAlchemy sends BEGIN with the first statement, and would ask a connection before, three ways there and back, whether
anybody is at the other end (`pool_pre_ping`). BEGIN asks the same, does nothing that could be lost with the answer, and
is over before there is a first statement.

This is the one reach into what is private to SQLAlchemy: it offers no other way to send BEGIN alone. A release that
moves the name fails tests/server/database/test_beginning.py by it.
"""

from typing import Any, Final

from sqlalchemy.event import listen
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from racing_coach_core.exceptions import Fault
from racing_coach_server.exceptions import ServerError

START_TRANSACTION: Final = "_start_transaction"
"""Of the adapter around asyncpg's connection: BEGIN, which it knows of when it commits or rolls back."""


class LostBeforeItBeganError(ServerError):
    """BEGIN found the connection dead: nothing was done on it, and another one may be well."""

    fault = Fault.WORLD

    def __init__(self) -> None:
        super().__init__("the connection to the database was lost before the transaction began")


def look_at_checkout(engine: AsyncEngine) -> None:
    """Have the pool hand out no connection of which asyncpg knows that it ended, and trust none that is as old."""
    listen(engine.sync_engine, "checkout", _look)


def _look(adapter: Any, _record: object, _proxy: object) -> None:
    if adapter.driver_connection.is_closed():
        raise InvalidatePoolError


async def send_begin(connection: AsyncConnection) -> None:
    """Send BEGIN on a connection that has no transaction yet.

    Raises:
        LostBeforeItBeganError: the connection ended before, and nobody had noticed.
    """
    assert connection.sync_connection is not None
    adapter: Any = connection.sync_connection.connection.dbapi_connection
    try:
        await getattr(adapter, START_TRANSACTION)()
    except BaseException as error:
        # Whether the server has begun is not known: nobody is given this connection again.
        is_lost = adapter.driver_connection.is_closed()
        await connection.invalidate(error)
        if is_lost and isinstance(error, Exception):
            raise LostBeforeItBeganError from error
        raise
