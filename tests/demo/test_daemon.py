"""The daemon as a child: it says when it is ready, ends as it is told to, and why it did not come up."""

import platform
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from racing_coach_demo.child_process import ServerStartError
from racing_coach_demo.daemon import DaemonProcess
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    with EmbeddedPostgres() as database, EmbeddedBroker() as broker:
        yield {
            "RACING_COACH_INSTANCE": "child",
            "RACING_COACH_DATABASE__URL": database.url,
            "RACING_COACH_MQTT__HOST": broker.host,
            "RACING_COACH_MQTT__PORT": str(broker.port),
        }


def test_it_is_started_stopped_and_killed_as_often_as_wanted(variables: dict[str, str]) -> None:
    """Ready means that it told systemd so; its exit code, or the signal that ended it, is known afterwards."""
    with DaemonProcess(variables) as daemon:
        assert "READY=1" in daemon.notified
        assert daemon.returncode is None
        assert daemon.stop() == 0
        assert "STOPPING=1" in daemon.notified

        daemon.start()
        assert "STOPPING=1" not in daemon.notified
        daemon.kill()
        assert daemon.returncode == -signal.SIGKILL
        assert not daemon.is_running
        scratch = daemon.scratch
    assert not scratch.exists()


def test_nothing_of_ours_configures_it_but_what_is_given(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variables of this process do not reach it, and a folder that is given stays."""
    monkeypatch.setenv("RACING_COACH_MQTT__PORT", "1")
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    with DaemonProcess(variables, tmp_path) as daemon:
        assert daemon.is_running
    assert (tmp_path / "daemon.log").stat().st_size > 0


def test_its_memory_comes_in_large_pieces_where_one_asks_for_them(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system that gives them to who asks, the heap has asked; elsewhere there is nothing to ask for."""
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    mode = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    library, version = platform.libc_ver()
    gives = mode.exists() and "[madvise]" in mode.read_text() and library == "glibc" and float(version) >= 2.35
    with DaemonProcess(variables) as daemon:
        smaps = Path(f"/proc/{daemon.pid}/smaps").read_text()
    heap = re.search(r"\[heap\]\n(?:.*\n)*?VmFlags: (.*)", smaps)
    assert heap
    assert ("hg" in heap[1].split()) == gives


def test_one_that_does_not_come_up_says_why(variables: dict[str, str]) -> None:
    """The end of its log is in the error."""
    with (
        pytest.raises(ServerStartError, match=r"the daemon ended with 78(.|\n)*HEALTH__INTERVAL_S"),
        DaemonProcess(variables | {"RACING_COACH_HEALTH__INTERVAL_S": "never"}),
    ):
        pass
