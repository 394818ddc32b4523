"""Servers that run as our children, on a loopback port, and end when we do.

Whoever presses Ctrl-C ends the demo, not its servers: they have a session of their own, so that laps in
flight can still be stored while the demo shuts down. And whoever kills the demo outright ends its servers
too: each is tied to this process by a `Tether`.
"""

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psutil

LOOPBACK = "127.0.0.1"
_POLL_S = 0.01
_LOG_TAIL_CHARS = 2_000


class ServerStartError(RuntimeError):
    """A child server did not come up; the end of its log says why.

    Attributes:
        command: what was run.
        log_tail: the last lines that it wrote.
    """

    def __init__(self, reason: str, command: list[str], log_tail: str) -> None:
        super().__init__(f"{Path(command[0]).name}: {reason}\n{log_tail}")
        self.command = command
        self.log_tail = log_tail


def free_port() -> int:
    """A loopback TCP port that nobody listens on.

    It lies below the range from which systems number outgoing connections. A server that is down for a while
    would otherwise find its port taken by a client, or a client that keeps knocking would be connected to
    itself.

    Raises:
        OSError: no free port was found.
    """
    for port in random.sample(range(20_000, 32_000), k=100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise OSError("no free TCP port between 20000 and 32000")


def accepts_connections(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Tether:
    """Ends a process when this one is gone, however it went.

    A shell waits for the end of a pipe that only we hold open. The kernel closes it when we end, by SIGKILL
    too. Linux could signal the server directly (PR_SET_PDEATHSIG), but does so as soon as the *thread* ends
    that started it.
    """

    _SCRIPT = """
        read -r _
        kill -s "$1" "$2"
        tries=0
        while kill -0 "$2" && [ $((tries += 1)) -le 100 ]; do sleep 0.1; done
        kill -s KILL "$2"
        rm -rf -- "$3"
    """

    def __init__(self, pid: int, stop_signal: signal.Signals, scratch: Path) -> None:
        arguments = [stop_signal.name.removeprefix("SIG"), str(pid), str(scratch)]
        self._shell = subprocess.Popen(  # noqa: S603 - the script is our own
            ["/bin/sh", "-c", self._SCRIPT, "tether", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def cut(self) -> None:
        self._shell.kill()
        self._shell.communicate()


class ServerProcess(ABC):
    """A server as a child process: start, stop and kill it, as often as wanted, always on the same port.

    As a context manager it starts on entry, and on exit stops and removes its scratch directory.
    """

    host: ClassVar[str] = LOOPBACK
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout_s: ClassVar[float] = 30
    stop_timeout_s: ClassVar[float] = 15

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._tether: Tether | None = None
        self._scratch: Path | None = None

    @property
    def pid(self) -> int:
        """The server's process id.

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
    def scratch(self) -> Path:
        """A directory for what may go when the server goes: logs, generated configuration, throwaway data."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="racing-coach-"))
        return self._scratch

    @property
    def log_file(self) -> Path:
        return self.scratch / "server.log"

    def start(self) -> Self:
        """Start the server and wait until it takes connections.

        Raises:
            ServerStartError: it ended, or was not ready in time.
        """
        if self.is_running:
            return self
        self._forget()
        self._prepare()
        command = self._command()
        self._process = self._spawn(command)
        try:
            self._tether = Tether(self._process.pid, self.stop_signal, self.scratch)
            self._wait_until_ready(self._process, command)
        except BaseException:
            # Ctrl-C included: whoever did not get a running server will not stop it either.
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Let the server finish what it is doing; kill it when that takes too long.

        Does nothing when it is not running.
        """
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """SIGKILL the server and all its children at once. Does nothing when it is not running."""
        if self._process is None:
            return
        self.freeze()  # so that none of them notices an end and tidies up
        family = self.family()
        _signal_all(family, signal.SIGKILL)
        self._process.wait()
        _wait_for_end(family)
        self._forget()

    def freeze(self) -> None:
        """SIGSTOP the server and all its children: connections stay open, and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)  # first, so that it forks no more
            _signal_all(self.family(), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT them all."""
        _signal_all(self.family(), signal.SIGCONT)

    def family(self) -> list[psutil.Process]:
        """The server's process and all below it; empty when it is not running."""
        if self._process is None:
            return []
        try:
            server = psutil.Process(self._process.pid)
            return [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        """Stop, and remove the scratch directory."""
        self.stop()
        if self._scratch is not None:
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
        """Whether the server that was just started takes connections."""

    def _prepare(self) -> None:  # noqa: B027 - most servers need nothing
        """Write what the server needs before it starts."""

    def _identity(self) -> tuple[int, int] | None:
        """The user and group ids to run as; None for our own."""
        return None

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        user, group = self._identity() or (None, None)
        with self.log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the commands are our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes], command: list[str]) -> None:
        deadline = time.monotonic() + self.start_timeout_s
        while not self._is_ready():
            if process.poll() is not None:
                raise ServerStartError(f"ended with {process.returncode}", command, self._log_tail())
            if time.monotonic() > deadline:
                raise ServerStartError(f"not ready after {self.start_timeout_s} s", command, self._log_tail())
            time.sleep(_POLL_S)

    def _log_tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-_LOG_TAIL_CHARS:]

    def _forget(self) -> None:
        if self._tether is not None:
            self._tether.cut()
        self._process = self._tether = None


def _signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _wait_for_end(processes: list[psutil.Process], timeout_s: float = 10) -> None:
    """Until all have ended. A zombie has: in a container nobody may ever reap what lost its parent."""
    deadline = time.monotonic() + timeout_s
    while any(_lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
