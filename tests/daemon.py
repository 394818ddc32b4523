"""The daemon as a real process.

    with DaemonProcess(broker, database_url) as daemon:         # started, migrated, subscribed
        async with LapClient(broker, "rig-1") as rig:
            answer = await rig.send(payload)                    # published, and its answer
            assert answer.status == "success"
        assert daemon.stop() == 0

`DaemonProcess` blocks, as `subprocess` does. Where a test's own clients must go on meanwhile, call it in a thread:
`await asyncio.to_thread(daemon.stop)`. To wait without blocking: `await eventually(lambda: daemon.logged("lap stored"))`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from sqlalchemy.engine import make_url

from racing_coach_core.settings import MqttSettings
from tests.clients import forget
from tests.forked import ForkedProcess, module_of
from tests.infra import DAEMON, Broker
from tests.lap_client import Facts
from tests.notify_socket import NotifySocket
from tests.waiting import POLL_S, TIMEOUT_S

_LOG_LAGS_S = 2.0
_START_S = 120
"""A new program imports for two seconds of a processor, which on a busy machine are many."""


class DaemonProcess:
    """`racing-coach serve` in a process of its own: start, stop and kill it, as often as wanted.

    As a context manager it is started and ready on entry; on exit it is killed if it still runs, and the broker
    forgets its session and retained state.

    Args:
        broker: where it takes laps, as the user `DAEMON`.
        database_url: where it puts them; of any driver.
        instance: its name; a new one if not given. The client id follows from it.
        settings: further variables, without their prefix: `{"HEALTH__INTERVAL_S": 0.2}`.
        environment: further variables, whole: `{"WATCHDOG_USEC": "1000000"}`.
    """

    ready_event = "connected to the broker"
    """What it logs when it is ready."""

    def __init__(
        self,
        broker: Broker,
        database_url: str,
        *,
        instance: str | None = None,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.broker = broker
        self.instance = instance or f"test-{uuid.uuid4().hex[:12]}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            **broker.environment(DAEMON),
            "RACING_COACH_DATABASE__URL": _plain(database_url),
            "RACING_COACH_INSTANCE": self.instance,
            # Tests send laps again as fast as they can, and wait for every answer; who floods says so.
            "RACING_COACH_DELIVERY__WASTE_S": "600",
            "RACING_COACH_LOG__FORMAT": "json",
            **{f"RACING_COACH_{name}": str(value) for name, value in (settings or {}).items()},
            **(environment or {}),
        }
        self.client_id = _client_id(self.environment)
        self.log: list[Facts] = []
        """Every line of its log, of every start, as the facts that it holds."""
        self.notified: list[str] = []
        """What systemd would have been told since the last start: `READY=1`, `STOPPING=1`, ..."""
        self.command = [str(Path(sys.executable).with_name("racing-coach")), "serve"]
        """What is run; a test may have something else run."""
        self._process: subprocess.Popen[str] | ForkedProcess | None = None
        self._threads: list[threading.Thread] = []
        self._scratch = tempfile.TemporaryDirectory(prefix="racing-coach-", ignore_cleanup_errors=True)
        self.state_folder = Path(self._scratch.name) / "state"
        self.environment.setdefault("STATE_DIRECTORY", str(self.state_folder))

    # --- its life --------------------------------------------------------------------------------------------

    def start(self, *, wait: bool = True, timeout_s: float = _START_S) -> Self:
        """Start it, and wait until it says READY=1 unless told not to."""
        assert not self.is_running
        self.notified = []
        self._lines_before = len(self.log)
        notifications = NotifySocket(Path(self._scratch.name) / "notify")
        self.environment["NOTIFY_SOCKET"] = str(notifications.path)
        process = self._process = self._spawn()
        notified = self.notified
        self._in_thread(lambda: notifications.read_into(notified, until=lambda: process.poll() is not None))
        self._in_thread(self._read_log)
        if wait:
            self.wait_until_ready(timeout_s)
        return self

    def _spawn(self) -> subprocess.Popen[str] | ForkedProcess:
        cwd = self._scratch.name  # where no .env is
        if program := module_of(self.command):
            return ForkedProcess(*program, env=self.environment, cwd=cwd)
        return subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self, timeout_s: float = _START_S) -> None:
        """Wait for READY=1: the database is migrated and the laps are subscribed to.

        Raises:
            AssertionError: it ended, or was not ready in time; with its log.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_ready:
            assert self.is_running, f"the daemon ended with {self.returncode}\n{self.text}"
            assert time.monotonic() < deadline, f"the daemon was not ready within {timeout_s} s\n{self.text}"
            time.sleep(POLL_S)
        # It says so on its log first, which another thread reads, maybe later. A quiet log has no such line.
        until = time.monotonic() + _LOG_LAGS_S
        while not self._logged_connected and time.monotonic() < until:
            time.sleep(POLL_S)

    @property
    def _logged_connected(self) -> bool:
        return any(line.get("event") == self.ready_event for line in self.log[self._lines_before :])

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end; its exit code, negative where a signal ended it."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._join()
        return code

    def stop(self, timeout_s: float = TIMEOUT_S) -> int:
        """SIGTERM, as systemd does, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL: no farewell, and the broker publishes the will."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, for example."""
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """Kill it if it runs, and have the broker forget it."""
        if self.is_running:
            self.signal(signal.SIGCONT)
            self.kill()
        self._join()
        forget(self.broker, self.client_id, self.instance)
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        if error is not None:
            error.add_note(f"the daemon's log ends:\n{self.text[-6000:]}")

    # --- what it is and says ---------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        return "READY=1" in self.notified

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def rss_bytes(self) -> int:
        """The memory it has now."""
        return psutil.Process(self.pid).memory_info().rss

    def logged(self, event: str, **facts: object) -> list[Facts]:
        """The lines of its log with this event, and these facts where given."""
        return [
            line
            for line in self.log.copy()
            if line.get("event") == event and all(line.get(name) == value for name, value in facts.items())
        ]

    @property
    def text(self) -> str:
        """Its log, to be read."""
        return "\n".join(map(str, self.log))

    def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            try:
                facts = json.loads(line)
            except ValueError:
                facts = None
            self.log.append(facts if isinstance(facts, dict) else {"event": line.rstrip(), "is_json": False})

    def _in_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()


def _client_id(environment: Mapping[str, str]) -> str:
    """What the daemon makes of its settings."""
    own = environment.get("RACING_COACH_MQTT__CLIENT_ID")
    settings = MqttSettings(password=environment.get("RACING_COACH_MQTT__PASSWORD"))  # type: ignore[arg-type]  # a secret
    return own or settings.unguessable(f"racing-coach-{environment['RACING_COACH_INSTANCE']}")


def _is_ours(name: str) -> bool:
    """Whether a variable would tell the daemon something; those of the tests would not."""
    return name in {"CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} or (
        name.startswith("RACING_COACH_") and not name.startswith("RACING_COACH_TEST_")
    )


def _plain(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
