"""A Citus cluster on loopback: a coordinator and workers, each a PostgreSQL of its own, to be killed and added.

Citus is an extension that the wheel's PostgreSQL does not have. `RACING_COACH_TEST_POSTGRES_BIN` names the programs of
one that has it.
"""

import asyncio
import functools
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import asyncpg
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from racing_coach_demo.processes import LOOPBACK
from racing_coach_server.database.distribute_db import distribute_database
from racing_coach_server.database.init_db import upgrade_database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.tables import metadata
from tests.servers import PostgresProcess, postgres_bin_dir

_SETTINGS = {
    "shared_preload_libraries": "citus",
    # The server of a test makes its certificate in none of its few seconds.
    "citus.node_conninfo": "sslmode=disable",
    "citus.recover_2pc_interval": "2s",
    "citus.max_adaptive_executor_pool_size": "4",
    "wal_level": "logical",
    "max_connections": "120",
    # Citus takes one for each database, of which a run makes many, and more to move shards: without a free one a
    # rebalancing waits for ever.
    "max_worker_processes": "64",
}


@functools.cache
def has_citus() -> bool:
    """Whether the PostgreSQL of the tests has the extension."""
    return any((postgres_bin_dir().parent / "share").rglob("citus.control"))


class CitusNode(PostgresProcess):
    """One PostgreSQL of a cluster. Like all of this run's it has the one password; on loopback none is asked for."""

    def _initialise(self) -> None:
        super()._initialise()
        hba = self.data_dir / "pg_hba.conf"
        hba.write_text(f"host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n{hba.read_text()}")


class CitusCluster:
    """A coordinator and workers.

    Args:
        workers: how many to begin with.
        is_forgetful: without fsync, for tests that kill none of them.
    """

    def __init__(self, workers: int = 2, *, is_forgetful: bool = False, coordinator: CitusNode | None = None) -> None:
        forgetful = {"fsync": "off", "full_page_writes": "off"} if is_forgetful else {}
        self._settings = {**_SETTINGS, **forgetful}
        self.coordinator = coordinator or CitusNode(self._settings)
        self.workers = [CitusNode(self._settings) for _ in range(workers)]

    @property
    def nodes(self) -> list[CitusNode]:
        return [self.coordinator, *self.workers]

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for node in self.nodes:
            node.close()

    @contextmanager
    def database(self) -> Iterator["CitusDatabase"]:
        """A database with the extension, and all nodes known to the coordinator, for the length of the block."""
        yield self.make_database(f"test_{uuid.uuid4().hex[:12]}")

    def make_database(self, name: str) -> "CitusDatabase":
        """One with the extension, and all nodes known to the coordinator."""
        database = CitusDatabase(self, name)
        for node in self.nodes:
            database.create(node)
        database.execute(f"select citus_set_coordinator_host('{LOOPBACK}', {self.coordinator.port})")
        for node in self.workers:
            database.add(node)
        return database

    def start_worker(self) -> CitusNode:
        """One more server, which no database knows yet."""
        node = CitusNode(self._settings)
        self.workers.append(node)
        node.start()
        return node


@dataclass(frozen=True)
class CitusDatabase:
    """One database of a cluster."""

    cluster: CitusCluster
    name: str

    def url(self, node: CitusNode | None = None) -> str:
        """Its URL, at the coordinator if no node is given."""
        node = node or self.cluster.coordinator
        url = make_url(node.url).set(drivername="postgresql", database=self.name)
        return url.render_as_string(hide_password=False)

    def create(self, node: CitusNode) -> None:
        """Have it on a node too."""
        asyncio.run(_execute(node.url.replace("+asyncpg", ""), [f"create database {self.name}"]))
        self.execute("create extension citus", node=node)

    def add(self, node: CitusNode) -> None:
        """Let the coordinator know a node."""
        self.execute(f"select citus_add_node('{LOOPBACK}', {node.port})")

    def distribute(self) -> None:
        """Migrate it, and lay it over the nodes."""
        asyncio.run(_distribute(self.url()))

    def execute(self, *statements: str, node: CitusNode | None = None) -> list[asyncpg.Record]:
        """Run statements one by one, at the coordinator if no node is given; the rows of the last."""
        return asyncio.run(_execute(self.url(node), statements))


class DistributedServer(CitusNode):
    """A coordinator that comes with two workers, and with a distributed database on all three.

    Killed, frozen and started, it is the coordinator alone; the workers are `cluster.workers`.
    """

    def __init__(self) -> None:
        super().__init__(_SETTINGS)
        self.cluster = CitusCluster(coordinator=self)
        self.database: CitusDatabase | None = None

    @property
    def url(self) -> str:
        """The URL of the distributed database, once it is there; before, of the server's own."""
        own = make_url(super().url)
        named = own if self.database is None else own.set(database=self.database.name)
        return named.render_as_string(hide_password=False)

    def start(self, *, wait: bool = True) -> Self:
        """Start it, the first time with all that it comes with."""
        super().start(wait=wait)
        if self.database is None:
            for worker in self.cluster.workers:
                worker.start()
            self.database = self.cluster.make_database("racing")
            self.database.distribute()
        return self

    def close(self) -> None:
        for worker in self.cluster.workers:
            worker.close()
        super().close()


async def _distribute(url: str) -> None:
    settings = DatabaseSettings(url=SecretStr(url))
    await upgrade_database(settings)
    await distribute_database(settings, metadata, tell=lambda _: None)


async def _execute(url: str, statements: Sequence[str]) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()
