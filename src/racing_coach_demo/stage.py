"""The servers of the demo: embedded database and broker, and the real daemon as its own process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from racing_coach_core.settings import MqttSettings
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres
from racing_coach_demo.processes import ServerStartError, Tether

INSTANCE: Final = "demo"
HEARTBEAT_S: Final = 1.0
_STOP_S: Final = 25.0


class Stage:
    """A context manager: up on entry, all of it gone on exit."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.database = EmbeddedPostgres()
        self.broker = EmbeddedBroker()
        self._console = console
        self._daemon: subprocess.Popen[bytes] | None = None
        self._tether: Tether | None = None

    @property
    def daemon(self) -> subprocess.Popen[bytes]:
        """The daemon's process."""
        assert self._daemon is not None
        return self._daemon

    @property
    def daemon_log(self) -> Path:
        """Where the daemon's log goes."""
        return self.folder / "daemon.log"

    @property
    def mqtt(self) -> MqttSettings:
        """The way to the broker."""
        return MqttSettings(host=self.broker.host, port=self.broker.port)

    def __enter__(self) -> Self:
        try:
            started = time.perf_counter()
            self.database.start()
            self._say("PostgreSQL", f"127.0.0.1:{self.database.port}", started)
            started = time.perf_counter()
            self.broker.start()
            self._say("MQTT 5 broker", f"127.0.0.1:{self.broker.port}", started)
            self._daemon = self._start_daemon()
            self._tether = Tether(self._daemon.pid, signal.SIGTERM, self.folder)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _say(self, what: str, where: str, started: float) -> None:
        self._console.print(f"{what} up on {where} in {time.perf_counter() - started:.1f} s", highlight=False)

    def _start_daemon(self) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RACING_COACH_")} | {
            "RACING_COACH_INSTANCE": INSTANCE,
            "RACING_COACH_DATABASE__URL": self.database.url,
            "RACING_COACH_MQTT__HOST": self.broker.host,
            "RACING_COACH_MQTT__PORT": str(self.broker.port),
            "RACING_COACH_HEALTH__INTERVAL_S": str(HEARTBEAT_S),
            # The embedded broker ignores Receive Maximum; asking for one spares the daemon finding out.
            "RACING_COACH_DELIVERY__CONCURRENCY": "1",
        }
        with self.daemon_log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "racing_coach_server.main", "serve"],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def check_daemon(self) -> None:
        """Say so if the daemon ended.

        Raises:
            ServerStartError: it did.
        """
        if self.daemon.poll() is not None:
            tail = self.daemon_log.read_text(errors="replace")[-2000:]
            raise ServerStartError(f"the daemon ended with status {self.daemon.returncode}", ["serve"], tail)

    def _stop(self) -> None:
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.terminate()
            try:
                self._daemon.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        if self._tether is not None:
            self._tether.cut()
        self.broker.close()
        self.database.close()
