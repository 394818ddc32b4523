"""Broker, database and daemon of a run, each a process of its own."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from sqlalchemy.engine import URL, make_url

from publisher import rig_name
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres
from racing_coach_demo.processes import ServerProcess
from racing_coach_server.config import DatabaseSettings
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.init_db import upgrade

sys.path.append(str(Path(__file__).parent.parent))
from tests.infra import DAEMON, MosquittoProcess, find_mosquitto

MOST_RIGS = 64
_MEMORY = {"shared_buffers": "512MB", "max_wal_size": "8GB"}
"""As for a server with 2 GB. The 128 MB of a PostgreSQL that nobody configured are full after fifty laps: from then on
it writes pages out in the middle of a COPY, and a rate depends on how many laps were stored before."""
LAPS_IN_MEMORY = 180
_READY_S = 60


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

    def empty(self) -> None:
        """Forget every lap, and have what was written before written to disk now rather than in the middle."""
        self.execute("truncate telemetry, laps, track_sessions, rejected_messages", "checkpoint")


@contextmanager
def servers() -> Iterator[Servers]:
    """mosquitto with our configuration, else the embedded broker; the database that the environment names, else
    the embedded one with its durable defaults (fsync, synchronous_commit and full_page_writes are on)."""
    with ExitStack() as stack:
        broker, broker_name, passwords = _broker(stack)
        server, processes = _database_server(stack)
        database = stack.enter_context(_database(server))
        yield Servers(broker, broker_name, passwords, database, processes)


def _broker(stack: ExitStack) -> tuple[ServerProcess, str, dict[str, str] | None]:
    if find_mosquitto() is None:
        return stack.enter_context(EmbeddedBroker()), f"embedded rumqttd (iotcore {version('iotcore')})", None
    users = [DAEMON, *map(rig_name, range(MOST_RIGS))]
    process = stack.enter_context(MosquittoProcess({user: secrets.token_urlsafe(8) for user in users}))
    return process, f"mosquitto {process.broker.version}", process.passwords


def _database_server(stack: ExitStack) -> tuple[URL, Callable[[], list[psutil.Process]]]:
    if named := os.environ.get("RACING_COACH_BENCH_DATABASE_URL"):
        return make_url(named), list
    process = stack.enter_context(EmbeddedPostgres(settings=_MEMORY))
    return make_url(process.url), process.family


@contextmanager
def _database(server: URL) -> Iterator[URL]:
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


class Daemon:
    """A running daemon that has just started."""

    def __init__(self, process: subprocess.Popen[bytes], figures: Path) -> None:
        self._process = process
        self._file = figures
        self.psutil = psutil.Process(process.pid)

    @property
    def rss(self) -> int:
        return int(self.psutil.memory_info().rss)

    @property
    def peak_rss(self) -> int:
        """The kernel's high-water mark of the process's memory, bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def figures(self) -> dict[str, Any]:
        """What was measured inside since the last call."""
        before = self._file.stat().st_mtime_ns
        self._process.send_signal(signal.SIGUSR1)
        _wait_until(lambda: self._file.stat().st_mtime_ns != before, self._process)
        return dict(json.loads(self._file.read_text()))


@contextmanager
def daemon(servers: Servers, scratch: Path, *, concurrency: int | None = None) -> Iterator[Daemon]:
    """The daemon with its default configuration, or with another number of laps in flight.

    Every one of a run has the same name: a session of its own would be left at the broker, and fill with laps.
    """
    number = len(list(scratch.glob("daemon-*.log")))
    figures, log = scratch / f"daemon-{number}.json", scratch / f"daemon-{number}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RACING_COACH_")}
    environment |= {
        "RACING_COACH_INSTANCE": "bench",
        "RACING_COACH_DATABASE__URL": servers.dsn,
        "RACING_COACH_MQTT__HOST": servers.broker.host,
        "RACING_COACH_MQTT__PORT": str(servers.broker.port),
    }
    if servers.passwords:
        environment["RACING_COACH_MQTT__USERNAME"] = DAEMON
        environment["RACING_COACH_MQTT__PASSWORD"] = servers.passwords[DAEMON]
    if concurrency:
        environment["RACING_COACH_DELIVERY__CONCURRENCY"] = str(concurrency)
    command = [sys.executable, str(Path(__file__).with_name("instrumented_daemon.py")), str(figures)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=scratch)
    try:
        _wait_until(figures.exists, process, log)
        yield Daemon(process, figures)
    finally:
        process.terminate()
        process.wait(30)


def _wait_until(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path | None = None) -> None:
    deadline = time.monotonic() + _READY_S
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the daemon failed\n{log.read_text()[-2000:] if log else ''}")
        time.sleep(0.02)
