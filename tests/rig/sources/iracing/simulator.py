"""A simulator that writes what iRacing would into the memory that pyirsdk reads.

iRacing waits for nobody. This one does, for the source to have looked, and the source's clock counts its looks: else a
machine that is busy with something else would lose ticks, or stand still for longer than a simulator may.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rig.sources.iracing.ibt_writer import SharedMemory as WrittenMemory
from tests.rig.sources.iracing.ibt_writer import drive, record_dtype

from racing_coach_rig.sources.iracing.memory import SharedMemory
from racing_coach_rig.sources.iracing.reader import Pace

PACE = Pace(poll=1 / 500, batch=0.05, retry=0.05, stall=0.4)
TICK_S = 1 / 100
LOOK_S = PACE.poll
"""By which each look puts the source's clock forward."""


class Looks:
    """What the source has looked at.

    Attributes:
        done: looks at whatever memory.
        with_news: those that found ticks.
    """

    def __init__(self) -> None:
        self.done = self.with_news = 0
        self._now = 0.0

    def monotonic(self) -> float:
        """The source's clock, which it asks once a look."""
        self._now += LOOK_S
        return self._now

    def at(self, memory: SharedMemory) -> list[bytes] | None:
        records = _read(memory)
        self.done += 1
        self.with_news += bool(records)
        return records


_read = SharedMemory.new_records
LOOKS = Looks()


class Simulator:
    """Writes records into shared memory, each when the one before was looked at, in a thread of its own."""

    def __init__(self, path: Path, info: bytes, tick_s: float = TICK_S) -> None:
        self.written = 0
        """Of the records that it was given."""
        self._tick_s = tick_s
        self._memory = WrittenMemory(path, record_dtype(), info)
        self._stopped = threading.Event()

    @contextmanager
    def driving(self, records: Any, *, wait: float = 0.3) -> Iterator[None]:
        """Drive along, and stand at the end of it until the block ends."""
        thread = threading.Thread(target=self._drive, args=(records, wait), name="simulator")
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()
            self._memory.close()

    def _drive(self, records: Any, wait: float) -> None:
        # Ticks go on while nobody drives: the source finds the simulator before the first lap.
        idle = drive([0.5], started=records["SessionTime"][0] - 1, IsOnTrack=False)
        until, found = time.monotonic() + wait, LOOKS.with_news + 2
        while time.monotonic() < until or LOOKS.with_news < found:
            if self._stopped.is_set():
                return
            self._memory.write(idle)
            time.sleep(self._tick_s)
        for index in range(len(records)):
            seen = LOOKS.done + 2  # the next may have begun already
            self._memory.write(records[index : index + 1])
            self.written += 1
            time.sleep(self._tick_s)
            while LOOKS.done < seen:
                if self._stopped.wait(self._tick_s / 10):
                    return
