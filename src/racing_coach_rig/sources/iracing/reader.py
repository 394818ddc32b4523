"""Follows the simulator's shared memory in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from racing_coach_rig.sources.iracing.memory import Batch, SharedMemory

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the source looks, all in seconds.

    Attributes:
        poll: between two looks at the ticks; well below the 67 ms that a tick stays.
        batch: of frames that go to the splitter together.
        retry: between two looks for the simulator.
        stall: after which ticks that stand still mean that the simulator is gone.
    """

    poll: float = 1 / 120
    batch: float = 0.25
    retry: float = 2.0
    stall: float = 5.0


DEFAULT_PACE: Final = Pace()

MAX_BATCHES: Final = 480
"""Batches that wait for a slow consumer: two minutes, 3 MB. Then frames are dropped, and their lap with them."""


class Reader(threading.Thread):
    """Reads the shared memory and hands over what it finds, without ever waiting for anybody."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        batches: asyncio.Queue[Batch],
        memory_file: Path | None,
        pace: Pace,
    ) -> None:
        super().__init__(name="iracing-reader", daemon=True)
        self._loop = loop
        self._batches = batches
        self._memory_file = memory_file
        self._pace = pace
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask the thread to end; it does within a look."""
        self._stopping.set()

    def run(self) -> None:
        """Find the simulator, follow it, and find it again, until stopped."""
        connection = 0
        while not self._stopping.is_set():
            connection += 1
            try:
                found = self._find_and_follow(connection)
            except Exception:
                # Laps that are on disk must go on being sent, and the simulator may do better at the next look.
                log.exception("the simulator could not be read, it is looked for again")
                found = False
            if not found:
                self._stopping.wait(self._pace.retry)

    def _find_and_follow(self, connection: int) -> bool:
        """Follow the simulator until it is gone. Returns False if there was none."""
        memory = SharedMemory.find(self._memory_file)
        if memory is None:
            return False
        with contextlib.closing(memory):
            self._follow(memory, connection)
        return True

    def _follow(self, memory: SharedMemory, connection: int) -> None:
        found = False
        for batch in self._batches_of(memory, connection):
            if not found:
                log.info("simulator found", track=batch.info.track_name, car=batch.info.car_name)
                found = True
            self._hand_over(batch)
        if found:
            log.info("simulator gone")

    def _batches_of(self, memory: SharedMemory, connection: int) -> Iterator[Batch]:
        fresh: list[bytes] = []
        last_news = batch_began = time.monotonic()
        while not self._stopping.wait(self._pace.poll):
            now = time.monotonic()
            news = memory.new_records()
            if news is None or (not news and now - last_news > self._pace.stall):
                break
            if news:
                last_news = now
                fresh += news
            if fresh and now - batch_began >= self._pace.batch:
                yield memory.batch(fresh, connection)
                fresh, batch_began = [], now
        if fresh:
            yield memory.batch(fresh, connection)

    def _hand_over(self, item: Batch) -> None:
        with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody is left to take it.
            self._loop.call_soon_threadsafe(self._put, item)

    def _put(self, item: Batch) -> None:
        if self._batches.full():
            # All of them, so that the gap is too long to go unnoticed: the splitter ends the lap there.
            while not self._batches.empty():
                self._batches.get_nowait()
            log.warning("frames dropped", reason="laps are not taken as fast as they are driven")
        self._batches.put_nowait(item)
