"""The daemon of a run, with a watch on its event loop."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psutil
from tests.infra import DAEMON

import benchmarks
from benchmarks.servers.running import Servers
from racing_coach_demo.daemon import DaemonProcess

_ROOT = Path(benchmarks.__file__).parent.parent
_INSTRUMENTED = "benchmarks.servers.instrumented_daemon"


class Daemon(DaemonProcess):
    """A daemon that measures itself. It is ready once it has written down its first figures."""

    start_timeout_s: ClassVar[float] = 60

    def __init__(self, variables: dict[str, str], scratch: Path, program: str = _INSTRUMENTED) -> None:
        super().__init__({**variables, "PYTHONPATH": str(_ROOT)}, scratch)
        self._file = scratch / "figures.json"
        self.command = [sys.executable, "-m", program, str(self._file)]

    @property
    def psutil(self) -> psutil.Process:
        return psutil.Process(self.pid)

    @property
    def rss(self) -> int:
        return int(self.psutil.memory_info().rss)

    @property
    def peak_rss(self) -> int:
        """The kernel's high-water mark of the process's memory, bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def figures(self) -> dict[str, Any]:
        """What was measured inside since the last call."""
        before = self._file.stat().st_mtime_ns
        self.psutil.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + self.start_timeout_s
        while self._file.stat().st_mtime_ns == before:
            self.check()
            if time.monotonic() > deadline:
                raise self._start_error("wrote no figures")
            time.sleep(0.02)
        return dict(json.loads(self._file.read_text()))

    def _is_ready(self) -> bool:
        return self._file.exists()


@contextmanager
def daemon(
    servers: Servers,
    scratch: Path,
    *,
    concurrency: int | None = None,
    coaching: bool = False,
    program: str = _INSTRUMENTED,
) -> Iterator[Daemon]:
    """The daemon with its default configuration but for the coach, or with another number of laps in flight.

    Every one of a run has the same name: a session of its own would be left at the broker, and fill with laps.
    """
    folder = scratch / f"daemon-{len(list(scratch.glob('daemon-*')))}"
    folder.mkdir()
    variables = {
        "RACING_COACH_INSTANCE": "bench",
        "RACING_COACH_COACHING__ENABLED": str(coaching),
        "RACING_COACH_DATABASE__URL": servers.dsn,
        "RACING_COACH_MQTT__HOST": servers.broker.host,
        "RACING_COACH_MQTT__PORT": str(servers.broker.port),
    }
    if servers.passwords:
        variables["RACING_COACH_MQTT__USERNAME"] = DAEMON
        variables["RACING_COACH_MQTT__PASSWORD"] = servers.passwords[DAEMON]
    if concurrency:
        variables["RACING_COACH_DELIVERY__CONCURRENCY"] = str(concurrency)
    with Daemon(variables, folder, program) as running:
        yield running
