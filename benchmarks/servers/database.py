"""An empty database with the product's schema."""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import asyncpg
import psutil
from sqlalchemy.engine import URL, make_url

from racing_coach_demo.embedded import EmbeddedPostgres
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.init_db import upgrade
from racing_coach_server.database_settings import DatabaseSettings

LAPS_IN_MEMORY = 180
WAL_SEGMENTS = 64
"""Of 16 MB each. PostgreSQL uses those again that it has; to make a new one holds up the lap that needs it for 25 to
65 ms."""
_MEMORY = {"shared_buffers": "512MB", "min_wal_size": f"{16 * WAL_SEGMENTS}MB", "max_wal_size": "8GB"}
"""As for a server with 2 GB. The 128 MB of a PostgreSQL that nobody configured are full after fifty laps: from then on
it writes pages out in the middle of a COPY, and a rate depends on how many laps were stored before."""


def database_server(stack: ExitStack) -> tuple[URL, Callable[[], list[psutil.Process]]]:
    if named := os.environ.get("RACING_COACH_BENCH_DATABASE_URL"):
        return make_url(named), list
    process = stack.enter_context(EmbeddedPostgres(settings=_MEMORY))
    return make_url(process.url), process.family


@contextmanager
def empty_database(server: URL) -> Iterator[URL]:
    """A database of our own, with the product's schema."""
    name = f"bench_{secrets.token_hex(4)}"
    dsn = server.set(drivername="postgresql").render_as_string(hide_password=False)

    async def on_server(statement: str) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def migrate(url: URL) -> None:
        settings = DatabaseSettings.model_validate({"url": url.render_as_string(hide_password=False)})
        engine = create_engine(settings, pool_size=1, application="benchmark")
        try:
            await upgrade(engine)
        finally:
            await engine.dispose()

    asyncio.run(on_server(f"create database {name}"))
    try:
        url = server.set(database=name)
        asyncio.run(migrate(url))
        yield url
    finally:
        asyncio.run(on_server(f"drop database {name} with (force)"))
