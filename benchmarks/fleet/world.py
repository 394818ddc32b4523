"""Broker, database and daemon of a fleet's run, each a process of its own."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil
from sqlalchemy.engine import URL
from tests.infra import DAEMON, find_mosquitto
from tests.servers import MosquittoProcess

from benchmarks.servers.database import database_server, empty_database
from racing_coach_demo.daemon import DaemonProcess

OBSERVER = "observer"
_INSTANCE = "fleet"


class FleetBroker(MosquittoProcess):
    """mosquitto with our configuration, and one user more, who watches its own figures and the daemon's health."""

    def _prepare(self) -> None:
        super()._prepare()
        with (self.scratch / "acl").open("a") as acl:
            acl.write(f"\nuser {OBSERVER}\ntopic read $SYS/#\ntopic read racing-coach/v1/health/#\n")


class Daemon(DaemonProcess):
    """The daemon, coach and all, with its default settings."""

    start_timeout_s: ClassVar[float] = 120

    def __init__(self, variables: dict[str, str], scratch: Path) -> None:
        super().__init__(variables, scratch)
        self.command = [sys.executable, "-m", "racing_coach_server.main", "serve"]
        self.kills = 0
        self.peaks: list[int] = []
        self.spent_s = 0.0
        """CPU time of those that were killed."""

    def peak_rss(self) -> int:
        """The kernel's high-water mark of this process's memory, bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def kill_and_start(self) -> float:
        """SIGKILL, and start again at once. Returns how many seconds it was away."""
        began = time.monotonic()
        self.peaks.append(self.peak_rss())
        self.spent_s += sum(psutil.Process(self.pid).cpu_times()[:2])
        self.kill()
        self.kills += 1
        self.start()
        return time.monotonic() - began


@dataclass(frozen=True)
class World:
    """What a fleet runs against."""

    broker: FleetBroker
    daemon: Daemon
    database: URL = field(repr=False)
    database_processes: Callable[[], list[psutil.Process]] = field(repr=False)

    @property
    def dsn(self) -> str:
        return self.database.set(drivername="postgresql").render_as_string(hide_password=False)

    def families(self) -> dict[str, Callable[[], list[psutil.Process]]]:
        """All processes of each part, by its name."""
        return {
            "daemon": self.daemon.family,
            "broker": self.broker.family,
            "database": self.database_processes,
            "rigs": lambda: [psutil.Process()],
        }


@contextmanager
def world(rigs: Sequence[str], scratch: Path, settings: dict[str, str]) -> Iterator[World]:
    """Broker with so many users, database and daemon; gone at the end of the block.

    Args:
        rigs: their names.
        scratch: where the daemon runs and logs.
        settings: more of the daemon's variables.
    """
    if find_mosquitto() is None:
        raise SystemExit("error: a fleet needs mosquitto on this machine (package mosquitto)")
    with ExitStack() as stack:
        users = {user: secrets.token_urlsafe(8) for user in (DAEMON, OBSERVER, *rigs)}
        broker = stack.enter_context(FleetBroker(users, {"sys_interval": "1", "log_type": "error"}))
        server, processes = database_server(stack)
        database = stack.enter_context(empty_database(server))
        variables = {
            "RACING_COACH_INSTANCE": _INSTANCE,
            "RACING_COACH_DATABASE__URL": database.set(drivername="postgresql").render_as_string(hide_password=False),
            "RACING_COACH_MQTT__HOST": broker.host,
            "RACING_COACH_MQTT__PORT": str(broker.port),
            "RACING_COACH_MQTT__USERNAME": DAEMON,
            "RACING_COACH_MQTT__PASSWORD": broker.passwords[DAEMON],
            "RACING_COACH_HEALTH__INTERVAL_S": "1",
            "RACING_COACH_LOG__FORMAT": "json",
            **settings,
        }
        daemon = stack.enter_context(Daemon(variables, scratch))
        yield World(broker, daemon, database, processes)
