"""The daemon as `racing-coach serve` runs it, with a watch on its event loop that the product does not need.

Usage: instrumented_daemon.py FIGURES. The file is written as soon as the daemon takes laps, again with each
SIGUSR1, which also begins a new measurement, and at the end.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from racing_coach_server.app import App
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import load_settings
from racing_coach_server.logging import configure_logging
from racing_coach_server.memory import keep_freed_memory

_TICK_S = 0.005


class LoopWatch:
    """Wakes up all the time, and notes by how much it came too late: so long the loop did nothing else."""

    def __init__(self, app: App, file: Path) -> None:
        self._app = app
        self._file = file
        self._longest_s = 0.0

    async def run(self) -> None:
        """Begin once the daemon takes laps."""
        while self._app.client.connected_since is None:
            await asyncio.sleep(_TICK_S)
        self.write()
        self._again()

    def _again(self) -> None:
        # A timer and not a task: the watch must cost next to nothing of what it watches.
        asyncio.get_running_loop().call_later(_TICK_S, self._woken, time.perf_counter())

    def _woken(self, before: float) -> None:
        self._longest_s = max(self._longest_s, time.perf_counter() - before - _TICK_S)
        self._again()

    def write(self) -> None:
        figures = {
            "loop_blocked_max_ms": self._longest_s * 1e3,
            "receive_maximum": self._app.client.receive_maximum,
        }
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(figures))
        temporary.rename(self._file)
        self._longest_s = 0.0


async def daemon(file: Path) -> None:
    settings = load_settings()
    configure_logging(settings.log)
    keep_freed_memory()
    app = App(settings)
    watch = LoopWatch(app, file)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, watch.write)
    watching = asyncio.create_task(watch.run(), name="loop watch")
    try:
        await app.run()
    finally:
        watching.cancel()
        watch.write()


if __name__ == "__main__":
    run_async(daemon(Path(sys.argv[1])))
