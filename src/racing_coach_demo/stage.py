"""The servers of the demo: embedded database and broker, and the real daemon as its own process."""

import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from racing_coach_core.settings import MqttSettings
from racing_coach_demo.daemon import DaemonProcess
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres

INSTANCE: Final = "demo"
HEARTBEAT_S: Final = 1.0


class Stage:
    """A context manager: up on entry, all of it gone on exit."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.database = EmbeddedPostgres()
        self.broker = EmbeddedBroker()
        self._console = console
        self.daemon = DaemonProcess({}, folder)

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
            self.daemon.variables = self._configuration()
            self.daemon.start(wait=False)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _say(self, what: str, where: str, started: float) -> None:
        self._console.print(f"{what} up on {where} in {time.perf_counter() - started:.1f} s", highlight=False)

    def _configuration(self) -> dict[str, str]:
        return {
            "RACING_COACH_INSTANCE": INSTANCE,
            "RACING_COACH_DATABASE__URL": self.database.url,
            "RACING_COACH_MQTT__HOST": self.broker.host,
            "RACING_COACH_MQTT__PORT": str(self.broker.port),
            "RACING_COACH_HEALTH__INTERVAL_S": str(HEARTBEAT_S),
            # The embedded broker ignores Receive Maximum; asking for one spares the daemon finding out.
            "RACING_COACH_DELIVERY__CONCURRENCY": "1",
        }

    def _stop(self) -> None:
        self.daemon.close()
        self.broker.close()
        self.database.close()
