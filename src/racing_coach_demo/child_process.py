"""Programs that run as our children, and end when we do.

Whoever presses Ctrl-C ends the demo, not its servers: they have a session of their own, so that laps in
flight can still be stored while the demo shuts down. And whoever kills the demo outright ends its servers
too: each is tied to this process by a `Tether`.
"""

import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psutil

from racing_coach_demo.signals import signal_all, wait_for_end
from racing_coach_demo.tether import Tether

_POLL_S = 0.01
_LOG_TAIL_CHARS = 2_000


class ServerStartError(RuntimeError):
    """A child did not come up, or ended by itself; the end of its log says why.

    Attributes:
        command: what was run.
        log_tail: the last lines that it wrote.
    """

    def __init__(self, reason: str, command: list[str], log_tail: str) -> None:
        super().__init__(f"{reason} ({Path(command[0]).name})\n{log_tail}")
        self.command = command
        self.log_tail = log_tail


class ChildProcess(ABC):
    """A program as a child process: start, stop and kill it, as often as wanted.

    As a context manager it starts on entry, and on exit stops and removes its scratch directory.

    Args:
        scratch: a directory for what may go when the program goes; it is then its owner's to remove, unless this
            process is killed. None for one of its own.
    """

    title: ClassVar[str] = "a program"
    """What it is, for people: the program itself may be an interpreter."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout_s: ClassVar[float] = 30
    stop_timeout_s: ClassVar[float] = 15

    def __init__(self, scratch: Path | None = None) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._returncode: int | None = None
        self._argv: list[str] = []
        self._tether: Tether | None = None
        self._given_scratch = scratch
        self._scratch: Path | None = scratch

    @property
    def pid(self) -> int:
        """The program's process id.

        Raises:
            RuntimeError: it was not started, or was stopped.
        """
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative where a signal ended it; None before its first end and while it runs."""
        if self._process is not None:
            self._returncode = self._process.poll()
        return self._returncode

    @property
    def scratch(self) -> Path:
        """A directory for what may go when the program goes: logs, generated configuration, throwaway data."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="racing-coach-"))
        return self._scratch

    @property
    def log_file(self) -> Path:
        """Where all goes that it says, of every start."""
        return self.scratch / "server.log"

    @property
    def log_text(self) -> str:
        """All that it has said."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self, *, wait: bool = True) -> Self:
        """Start it, and wait until it is ready unless told not to. Does nothing while it runs.

        Raises:
            ServerStartError: it ended, or was not ready in time.
        """
        if self.is_running:
            return self
        self._forget()
        self._prepare()
        self._argv = self._command()
        self._process = self._spawn(self._argv)
        try:
            self._tether = Tether(self._process.pid, self.stop_signal, self.scratch)
            if wait:
                self.wait_until_ready()
        except BaseException:
            # Ctrl-C included: whoever did not get a running server will not stop it either.
            self.kill()
            raise
        return self

    def wait_until_ready(self) -> None:
        """Wait until a program that was started is of use.

        Raises:
            ServerStartError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + self.start_timeout_s
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise self._start_error(f"was not ready after {self.start_timeout_s:g} s")
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Say so if it ended by itself.

        Raises:
            ServerStartError: it did.
        """
        if not self.is_running:
            raise self._start_error(f"ended with {self.returncode}")

    def stop(self) -> int | None:
        """Let it finish what it is doing; kill it when that takes too long.

        Returns:
            Its exit code; None if it was never started.
        """
        if self._process is not None:
            self.thaw()
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(self.stop_timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
            self._forget()
        return self._returncode

    def kill(self) -> None:
        """SIGKILL it and all its children at once. Does nothing when it is not running."""
        if self._process is None:
            return
        self.freeze()  # so that none of them notices an end and tidies up
        family = self.family()
        signal_all(family, signal.SIGKILL)
        self._process.wait()
        wait_for_end(family)
        self._forget()

    def freeze(self) -> None:
        """SIGSTOP it and all its children: connections stay open, and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)  # first, so that it forks no more
            signal_all(self.family(), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT them all."""
        signal_all(self.family(), signal.SIGCONT)

    def family(self) -> list[psutil.Process]:
        """Its process and all below it; empty when it is not running."""
        if self._process is None:
            return []
        try:
            child = psutil.Process(self._process.pid)
            return [child, *child.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        """Stop, and remove a scratch directory of its own."""
        if self._process is not None:
            self.stop()
        if self._scratch is not None and self._given_scratch is None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def _command(self) -> list[str]:
        """What to run; it stays in the foreground."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it is of use; asked again and again after a start."""

    def _prepare(self) -> None:  # noqa: B027 - most programs need nothing
        """Write what it needs before it starts."""

    def _identity(self) -> tuple[int, int] | None:
        """The user and group ids to run as; None for our own."""
        return None

    def _environment(self) -> dict[str, str] | None:
        """Its environment variables; None for our own."""
        return None

    def _directory(self) -> Path:
        """Where it runs."""
        return Path("/")

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        user, group = self._identity() or (None, None)
        with self.log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the commands are our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self._directory(),
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )

    def _start_error(self, reason: str) -> ServerStartError:
        return ServerStartError(f"{self.title} {reason}", self._argv, self._log_tail())

    def _log_tail(self) -> str:
        return self.log_text[-_LOG_TAIL_CHARS:]

    def _forget(self) -> None:
        self._returncode = self.returncode
        if self._tether is not None:
            self._tether.cut()
        self._process = self._tether = None
