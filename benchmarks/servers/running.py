"""Broker and database of a run, each a process of its own."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import asyncpg
import psutil
from sqlalchemy.engine import URL
from tests.infra import DAEMON, find_mosquitto
from tests.servers import MosquittoProcess

from benchmarks.rigs.process import rig_name
from benchmarks.servers.database import database_server, empty_database
from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_demo.processes import ServerProcess

MOST_RIGS = 64


@dataclass(frozen=True)
class Servers:
    """What a run measures against.

    Attributes:
        database: URL of an empty, migrated database.
        database_processes: all of PostgreSQL's, empty where it is another machine's.
    """

    broker: ServerProcess
    broker_name: str
    passwords: dict[str, str] | None = field(repr=False)
    database: URL = field(repr=False)
    database_processes: Callable[[], list[psutil.Process]] = field(repr=False)

    @property
    def dsn(self) -> str:
        return self.database.set(drivername="postgresql").render_as_string(hide_password=False)

    async def connect(self) -> asyncpg.Connection:
        """A bare connection."""
        return await asyncpg.connect(self.dsn)

    def execute(self, *statements: str) -> list[Any]:
        """Run statements, each in its own transaction; what each returned in its first field."""

        async def go() -> list[Any]:
            connection = await self.connect()
            try:
                return [await connection.fetchval(statement, timeout=600) for statement in statements]
            finally:
                await connection.close()

        return asyncio.run(go())

    def fill_wal(self, segments: int) -> None:
        """Have so many segments of the write-ahead log there, as a server has that has run for a while."""
        one = ("select pg_logical_emit_message(true, 'benchmark', '')", "select pg_switch_wal()")
        self.execute(*segments * one, "checkpoint")

    def empty(self) -> None:
        """Forget every lap, and have what was written before written to disk now rather than in the middle."""
        self.execute("truncate laps, track_sessions, track_maps, rejected_messages cascade", "checkpoint")


@contextmanager
def servers() -> Iterator[Servers]:
    """mosquitto with our configuration, else the embedded broker; the database that the environment names, else
    the embedded one with its durable defaults (fsync, synchronous_commit and full_page_writes are on)."""
    with ExitStack() as stack:
        broker, broker_name, passwords = _broker(stack)
        server, processes = database_server(stack)
        database = stack.enter_context(empty_database(server))
        yield Servers(broker, broker_name, passwords, database, processes)


def _broker(stack: ExitStack) -> tuple[ServerProcess, str, dict[str, str] | None]:
    if find_mosquitto() is None:
        return stack.enter_context(EmbeddedBroker()), f"embedded rumqttd (iotcore {version('iotcore')})", None
    users = [DAEMON, *map(rig_name, range(MOST_RIGS))]
    process = stack.enter_context(MosquittoProcess({user: secrets.token_urlsafe(8) for user in users}))
    return process, f"mosquitto {process.broker.version}", process.passwords
