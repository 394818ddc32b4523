"""The sd_notify protocol: what is sent where, and that nothing fails without systemd."""

import os
import socket
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from racing_coach_server.sd_notify import notify, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[socket.socket]:
    """A socket such as systemd's, in the file system or in the abstract namespace."""
    name = f"racing-coach-{uuid.uuid4().hex}"
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path if request.param == "path" else f"\0{name}")
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path if request.param == "path" else f"@{name}")
        yield listener


def test_states_are_one_datagram(systemd: socket.socket) -> None:
    """The states of one call arrive together, a line each."""
    assert notify("READY=1", "STATUS=taking laps")

    assert systemd.recv(4096) == b"READY=1\nSTATUS=taking laps"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """No NOTIFY_SOCKET: False, and no error."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert not notify("READY=1")


def test_a_socket_that_nobody_reads_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """systemd that is not reached must not stop the daemon."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))

    assert not notify("READY=1")


@pytest.mark.parametrize(
    ("micros", "pid", "interval"),
    [
        ("60000000", None, timedelta(seconds=30)),
        ("60000000", str(os.getpid()), timedelta(seconds=30)),
        ("60000000", "1", None),
        (None, None, None),
    ],
    ids=["any process", "this process", "another process", "no watchdog"],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch, micros: str | None, pid: str | None, interval: timedelta | None
) -> None:
    """Half of WATCHDOG_USEC, where it is meant for this process."""
    for name, value in (("WATCHDOG_USEC", micros), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)

    assert watchdog_interval() == interval
