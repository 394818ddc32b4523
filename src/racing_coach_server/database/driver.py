"""asyncpg's connection under a session: for COPY, which SQLAlchemy does not know, and for the statement of every lap.

SQLAlchemy takes twice as long to hand a statement on, and its result back, as PostgreSQL takes to run one of a lap.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement, text
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql.compiler import SQLCompiler


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    """The session's own connection, within its transaction."""
    # A session of `Database` takes part in the transaction of a connection, and need not begin anything to name it.
    bind = session.bind
    connection = (bind if isinstance(bind, AsyncConnection) else await session.connection()).sync_connection
    assert connection is not None
    driver = connection.connection.driver_connection
    assert isinstance(driver, asyncpg.Connection)
    if not driver.is_in_transaction():
        # Of a session that is not of `Database`: SQLAlchemy sends its BEGIN with the first statement.
        await session.execute(text("select 1"))
    return driver


class Prepared:
    """A statement in the words of PostgreSQL, which prepares it once for each connection.

    Its values are handed on as they are: of types that asyncpg takes.
    """

    def __init__(self, statement: ClauseElement) -> None:
        compiled = statement.compile(dialect=dialect.dialect())  # type: ignore[no-untyped-call]  # theirs
        assert isinstance(compiled, SQLCompiler)
        self._words = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    async def first(self, driver: asyncpg.Connection, values: Mapping[str, Any]) -> Any:
        """The first column of the first row, None if there is no row.

        Raises:
            KeyError: a parameter has no value.
            asyncpg.PostgresError: the database refuses.
        """
        all_values = {**self._constants, **values}
        # All rows are asked for, also where one is all there is: a server that is asked for one may stop in the middle.
        rows = await driver.fetch(self._words, *[all_values[name] for name in self._names])
        return rows[0][0] if rows else None
