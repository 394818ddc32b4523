"""Signals to several processes at once."""

import contextlib
import signal
import time

import psutil

_POLL_S = 0.01


def signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that still live."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def wait_for_end(processes: list[psutil.Process], timeout_s: float = 10) -> None:
    """Until all have ended. A zombie has: in a container nobody may ever reap what lost its parent."""
    deadline = time.monotonic() + timeout_s
    while any(_lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
