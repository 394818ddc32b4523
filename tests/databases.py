"""Databases of a test's own: empty ones, and migrated ones, which are clones of one that was migrated once."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from racing_coach_server.database.init_db import upgrade


class Databases:
    """What a run, or one worker of it, makes on a PostgreSQL server, and takes away again.

    Args:
        server: the URL of a database of it, of a user who may create databases.
    """

    def __init__(self, server: str) -> None:
        self._server = make_url(server)
        self._template: str | None = None

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database with nothing in it, for the length of the block."""
        with self._database() as name:
            yield self._url(name).render_as_string(hide_password=False)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database with this version's tables, for the length of the block."""
        if self._template is None:
            self._template = self._make_template()
        with self._database(self._template) as name:
            yield self._url(name).render_as_string(hide_password=False)

    def close(self) -> None:
        """Drop the template."""
        if self._template is not None:
            self._drop_template(self._template)
            self._template = None

    @contextmanager
    def _database(self, template: str = "template1") -> Iterator[str]:
        name = self._create(template)
        try:
            yield name
        finally:
            self._drop(name)

    def _create(self, template: str = "template1") -> str:
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f'create database "{name}" template "{template}"')
        return name

    def _drop(self, name: str) -> None:
        self._execute(f'drop database "{name}" with (force)')

    def _make_template(self) -> str:
        name = self._create()
        try:
            asyncio.run(_migrate(self._url(name)))
            # Nobody may be connected to what is cloned. TimescaleDB's workers leave a template alone that takes no
            # connections; those that are there already are ended.
            self._execute(
                f'alter database "{name}" is_template true allow_connections false',
                f"select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}'",
            )
        except BaseException:
            self._drop_template(name)
            raise
        return name

    def _drop_template(self, name: str) -> None:
        self._execute(f'alter database "{name}" is_template false')
        self._drop(name)

    def _url(self, database: str) -> URL:
        return self._server.set(database=database)

    def _execute(self, *statements: str) -> None:
        asyncio.run(_execute(self._server, statements))


async def until_it_answers(server: str, timeout_s: float = 60) -> None:
    """Wait for a server that is starting.

    Raises:
        OSError, asyncpg.PostgresError: it took too long; what it said last.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await _execute(make_url(server), ("select 1",))
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _execute(server: URL, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(server.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _migrate(database: URL) -> None:
    engine = create_async_engine(database.set(drivername="postgresql+asyncpg"))
    try:
        await upgrade(engine)
    finally:
        await engine.dispose()
