"""Ends a child when its parent is gone."""

import signal
import subprocess
from pathlib import Path


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
