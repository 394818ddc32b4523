"""The pages as a process of their own, beside the demo's daemon."""

import sys
from pathlib import Path

from racing_coach_demo.child_process import ServerStartError
from racing_coach_demo.daemon import DaemonProcess
from racing_coach_demo.processes import LOOPBACK, free_port


class PagesProcess(DaemonProcess):
    """`racing-coach web`, on a free port. It is ready once it says so to systemd, as the daemon is.

    Args:
        daemon: whose database and broker it looks at.
    """

    def __init__(self, daemon: DaemonProcess) -> None:
        self.port = free_port()
        super().__init__({**daemon.variables, "RACING_COACH_WEB__PORT": str(self.port)}, daemon.scratch)
        self.command = [sys.executable, "-m", "racing_coach_server.main", "web"]

    @property
    def url(self) -> str:
        """For a browser."""
        return f"http://{LOOPBACK}:{self.port}/"

    @property
    def log_file(self) -> Path:
        return self.scratch / "pages.log"

    def _start_error(self, reason: str) -> ServerStartError:
        return ServerStartError(f"the pages {reason}", ["racing-coach", "web"], self._log_tail())
