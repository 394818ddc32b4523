"""`systemctl status` shows every trouble while it lasts, laps or no laps; the journal has its beginning and its end."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon import DaemonProcess
from tests.servers import MosquittoProcess, PostgresProcess
from tests.waiting import eventually

from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.service_status import ServiceStatus


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """systemd's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def told(systemd: socket.socket) -> list[str]:
    """What it was told since it was last asked."""
    lines: list[str] = []
    while True:
        try:
            lines += systemd.recv(65_536).decode().splitlines()
        except BlockingIOError:
            return lines


def test_it_shows_what_is_wrong_for_as_long_as_it_is(systemd: socket.socket) -> None:
    """Every trouble there is, the worst first; each change once; then that all is well."""
    broker, database = Trouble("no broker", "broker"), Trouble("no database", "database")
    status = ServiceStatus("taking laps", [broker, database])
    status.waiting("no database: closed")
    status.ready()
    database.began("full", who=1)
    database.began("full", who=2)
    broker.began("gone")
    database.ended(who=1)
    database.left(who=2)
    broker.ended()
    broker.ended()

    assert told(systemd) == [
        "STATUS=waiting: no database: closed",
        "READY=1",
        "STATUS=taking laps",
        "STATUS=no database: full",
        "STATUS=no broker: gone; no database: full",
        "STATUS=no broker: gone",
        "STATUS=taking laps",
    ]


def test_on_the_way_out_nothing_else_is_said(systemd: socket.socket) -> None:
    """A connection that a stop closes is no trouble."""
    trouble = Trouble("no broker", "broker")
    status = ServiceStatus("taking laps", [trouble])
    status.ready()
    status.stopping("finishing laps in flight")
    trouble.began("closed")

    assert told(systemd)[2:] == ["STOPPING=1", "STATUS=finishing laps in flight"]


def last_status(daemon: DaemonProcess) -> str:
    return next(state for state in reversed(daemon.notified) if state.startswith("STATUS="))


async def test_a_daemon_without_a_lap_says_what_it_lacks(mosquitto_process: MosquittoProcess) -> None:
    """Database and broker go away and come back, while no lap comes: status and journal say all of it."""
    # A server that is gone refuses at once. One that is there may be slow, and that is not to be taken for gone.
    interval = {"RACING_COACH_HEALTH__INTERVAL_S": "0.2", "RACING_COACH_HEALTH__DATABASE_TIMEOUT_S": "60"}
    with (
        PostgresProcess() as postgres,
        DaemonProcess(mosquitto_process.broker, postgres.url, environment=interval) as daemon,
    ):
        await eventually(lambda: last_status(daemon) == "STATUS=taking laps")

        postgres.kill()
        await eventually(lambda: daemon.logged("the database does not answer"))
        await eventually(lambda: "STATUS=the database does not answer: " in last_status(daemon))
        mosquitto_process.kill()
        await eventually(lambda: last_status(daemon).startswith("STATUS=the broker is not reached, trying on: "))
        assert "the database does not answer" in last_status(daemon)

        postgres.start()
        await eventually(lambda: daemon.logged("the database answers again"))
        mosquitto_process.start()
        await eventually(lambda: last_status(daemon) == "STATUS=taking laps")
        assert len(daemon.logged("the database does not answer")) == 1
