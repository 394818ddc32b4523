"""One rig, as a real process that can be killed and frozen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.checker import RigFiles
from tests.faults.rig_process import read_journal
from tests.faults.settings import QUICK_RIG
from tests.forked import ForkedProcess, module_of
from tests.infra import Broker
from tests.waiting import POLL_S, TIMEOUT_S


class Rig:
    """One rig: a process that drives and sends, an outbox, a journal."""

    def __init__(
        self,
        name: str,
        directory: Path,
        broker: Broker,
        *,
        seed: int,
        laps: int,
        interval_s: float,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.name = name
        self.laps = laps
        self.files = RigFiles(name, directory / f"{name}.journal", directory / f"{name}.sqlite3")
        self.log = directory / f"{name}.log"
        self._environment = {
            **only_ours(dict(os.environ)),
            **broker.environment(name),
            "RACING_COACH_RIG": name,
            "RACING_COACH_OUTBOX__PATH": str(self.files.outbox),
            **{f"RACING_COACH_{key}": str(value) for key, value in {**QUICK_RIG, **(settings or {})}.items()},
        }
        self._arguments = [
            *("--journal", str(self.files.journal), "--laps", str(laps)),
            *("--interval", str(interval_s), "--seed", str(seed), "--mixed"),
        ]
        self.module = ["tests.faults.rig_process"]
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None

    def start(self) -> None:
        command, cwd = [sys.executable, "-m", *self.module, *self._arguments], Path(__file__).parents[2]
        if program := module_of(command):
            self._process = ForkedProcess(*program, env=self._environment, cwd=cwd, log=self.log)
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout_s: float = 30) -> int:
        """Wait for its end; its exit code, negative where a signal ended it."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> int:
        """SIGTERM, and the exit code; of one that was just started, once it hears: before, the signal would end it."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.is_running and not self.hears and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self.signal(signal.SIGTERM)
        return self.wait()

    @property
    def hears(self) -> bool:
        """Whether this process got so far that it listens to signals."""
        entries = read_journal(self.files.journal)
        return any(entry["event"] == "started" and entry["pid"] == self.pid for entry in entries)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def driven(self) -> int:
        """Laps that the outbox has taken."""
        return sum(entry["event"] == "spooled" for entry in read_journal(self.files.journal))

    @property
    def is_done(self) -> bool:
        return self.driven >= self.laps

    def close(self) -> None:
        if self.is_running:
            self.signal(signal.SIGCONT)
            self.kill()


def only_ours(environment: dict[str, str]) -> dict[str, str]:
    """The environment without settings that somebody else made."""
    return {name: value for name, value in environment.items() if not name.startswith("RACING_COACH_")}
