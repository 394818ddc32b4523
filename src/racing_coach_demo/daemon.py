"""The real daemon as a process of its own, as the demo, the benchmarks and whoever tries something out start it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from racing_coach_demo.child_process import ChildProcess, ServerStartError
from racing_coach_demo.notify_socket import NotifySocket

HUGE_PAGES: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""As the unit and compose have it: memory in pieces of 2 MB (decision 46). Read when a process begins."""

_OF_SYSTEMD = frozenset({"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})


class DaemonProcess(ChildProcess):
    """`racing-coach serve`: start, stop and kill it, as often as wanted. It is ready once it says so to systemd.

    Args:
        variables: its configuration, as environment variables. Of ours it gets no others that would configure it.
        scratch: where it runs and logs; no `.env` may be there. None for a directory of its own.

    Attributes:
        variables: as given; what is changed counts from the next start.
        command: what is run; another program may take its place.
    """

    start_timeout_s: ClassVar[float] = 60
    stop_timeout_s: ClassVar[float] = 30

    def __init__(self, variables: Mapping[str, str], scratch: Path | None = None) -> None:
        super().__init__(scratch)
        self.variables = dict(variables)
        self.command = [sys.executable, "-m", "racing_coach_server.main", "serve"]
        self._notifications: NotifySocket | None = None

    @property
    def log_file(self) -> Path:
        return self.scratch / "daemon.log"

    @property
    def notified(self) -> list[str]:
        """What systemd would have been told since the last start: `READY=1`, `STOPPING=1`, ..."""
        if self._notifications is None:
            return []
        if not self.is_running:
            self._notifications.join()
        return self._notifications.states

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        self._notifications = NotifySocket()
        try:
            process = super()._spawn(command)
        except BaseException:
            self._notifications.close()
            raise
        self._notifications.listen(until=lambda: process.poll() is not None)
        return process

    def _command(self) -> list[str]:
        return self.command

    def _is_ready(self) -> bool:
        return "READY=1" in self.notified

    def _start_error(self, reason: str) -> ServerStartError:
        return ServerStartError(f"the daemon {reason}", ["racing-coach", "serve"], self._log_tail())

    def _environment(self) -> dict[str, str]:
        return {
            **HUGE_PAGES,
            **{name: value for name, value in os.environ.items() if not _configures(name)},
            **({"NOTIFY_SOCKET": self._notifications.address} if self._notifications is not None else {}),
            **self.variables,
        }

    def _directory(self) -> Path:
        return self.scratch


def _configures(name: str) -> bool:
    """Whether a variable of this process would tell the daemon something."""
    return name.startswith("RACING_COACH_") or name in _OF_SYSTEMD
