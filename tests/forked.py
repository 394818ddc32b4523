"""Programs that are forked from a process which has imported the project already, instead of started anew.

A daemon or a rig takes two seconds of a processor for its imports, and a run starts some hundred of them. A fork is a
process like any other, with its own environment, directory, output and signals, and dies of `kill -9` as any other.
Only where `RACING_COACH_TEST_FORK` is set, as `make test` does; everywhere else each is a new program.
"""

import functools
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TextIO

_DAEMON = "racing_coach_server.main"
_PROGRAMS = (_DAEMON, "tests.faults.rig_process", "tests.faults.crashing_daemon", "tests.faults.crashing_rig")
"""Modules whose `main` is the program. What they import is what is ready when a fork begins."""

_one_at_a_time = threading.Lock()
"""multiprocessing lets only one thread ask after the children."""


def module_of(command: Sequence[str]) -> tuple[str, list[str]] | None:
    """The module that a command runs, and its arguments; None unless it may be forked."""
    if not os.environ.get("RACING_COACH_TEST_FORK"):
        return None
    if Path(command[0]).name == "racing-coach":
        return _DAEMON, list(command[1:])
    if list(command[:2]) == [sys.executable, "-m"] and command[2] in _PROGRAMS:
        return command[2], list(command[3:])
    return None


class ForkedProcess:
    """A fork that runs a module's `main`; its end and its signals as `subprocess.Popen` has them.

    Args:
        module: one of those that are imported beforehand.
        arguments: what is in `sys.argv` behind the program's name.
        env: its whole environment.
        cwd: its directory.
        log: where its output and errors go, appended; None for a pipe, which is `stderr`.
    """

    def __init__(
        self, module: str, arguments: list[str], *, env: Mapping[str, str], cwd: Path | str, log: Path | None = None
    ) -> None:
        self.stderr: TextIO | None = None
        write: connection.Connection | None = None
        if log is None:
            read, write = _context().Pipe(duplex=False)
            self.stderr = os.fdopen(os.dup(read.fileno()), encoding="utf-8")
            read.close()
        with _one_at_a_time:
            # Not the run's to wait for at its end, should a test leave it behind.
            self._process = _context().Process(
                target=_run, args=(module, arguments, dict(env), str(cwd), write or log), daemon=True
            )
            self._process.start()
        if write is not None:
            write.close()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, negative where a signal ended it, None while it runs."""
        with _one_at_a_time:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Signal it, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_PROGRAMS, "racing_coach_server.commands.serve"])
    return context


def _run(
    module: str, arguments: list[str], env: Mapping[str, str], cwd: str, output: connection.Connection | Path
) -> None:
    """Become the program, in the fork."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = [module, *arguments]
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    if isinstance(output, Path):
        log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
    else:
        os.dup2(nowhere, 1)
        os.dup2(output.fileno(), 2)
        output.close()
    importlib.import_module(module).main()
