"""Laps of a running iRacing, as they are finished.

iRacing keeps the last few ticks in shared memory and writes the next 60 times a second. A thread of its own
reads them, because nothing else may hold it up: with four buffers a tick is gone after 67 ms. What it reads
goes in batches to the event loop, where the splitter looks for laps; a lap is known within a batch of the
finish line.

Nobody has to start iRacing first, or stop: the source waits for it and waits again when it goes. It counts
as gone when it says so, when its ticks stand still, which is all that is left of one that crashed, or when
they start over.

The session's id is random and lasts as long as iRacing is in the same subsession and session with the same
car and track. An online subsession that is left and joined again goes on; offline all subsessions are
called 0, and each start of the simulator begins another.
"""

import asyncio
import contextlib
import platform
import threading
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap
from racing_coach_rig.exceptions import LiveUnavailableError
from racing_coach_rig.sources.iracing_memory import Batch, SharedMemory
from racing_coach_rig.sources.iracing_records import (
    UnusableLapError,
    build_lap,
    drive_frames,
    session_number,
)
from racing_coach_rig.sources.iracing_session import SessionInfo
from racing_coach_rig.sources.splitter import IncompleteLap, LapSlice, LapSplitter

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
_MAX_BATCHES: Final = 480
"""Batches that wait for a slow consumer: two minutes, 3 MB. Then frames are dropped, and their lap with them."""


async def live_laps(*, memory_file: Path | None = None, pace: Pace = DEFAULT_PACE) -> AsyncGenerator[Lap]:
    """Yield the laps of the running simulator, for as long as it is asked.

    Reading goes on while a lap is dealt with. Close the generator (`contextlib.aclosing`) to end it.

    Args:
        memory_file: a file to read instead of the simulator's shared memory, of the same layout.
        pace: how often to look.

    Raises:
        LiveUnavailableError: not on Windows, and no `memory_file`.
    """
    if memory_file is None and platform.system() != "Windows":
        raise LiveUnavailableError(platform.system())
    batches: asyncio.Queue[Batch | BaseException] = asyncio.Queue(_MAX_BATCHES)
    reader = _Reader(asyncio.get_running_loop(), batches, memory_file, pace)
    recorder = _Recorder()
    reader.start()
    try:
        while True:
            batch = await batches.get()
            if isinstance(batch, BaseException):
                raise batch
            # A finished lap is copied together, which takes longer than the event loop should wait.
            for lap in await asyncio.to_thread(recorder.take, batch):
                yield lap
    finally:
        reader.stop()
        await asyncio.to_thread(reader.join)


class _Reader(threading.Thread):
    """Reads the shared memory and hands over what it finds, without ever waiting for anybody."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        batches: asyncio.Queue[Batch | BaseException],
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
        try:
            while not self._stopping.is_set():
                memory = SharedMemory.find(self._memory_file)
                if memory is None:
                    self._stopping.wait(self._pace.retry)
                    continue
                connection += 1
                with contextlib.closing(memory):
                    self._follow(memory, connection)
        except Exception as error:  # noqa: BLE001 (whatever it is, the consumer must hear of it)
            self._hand_over(error)

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

    def _hand_over(self, item: Batch | BaseException) -> None:
        with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody is left to take it.
            self._loop.call_soon_threadsafe(self._put, item)

    def _put(self, item: Batch | BaseException) -> None:
        if self._batches.full():
            # All of them, so that the gap is too long to go unnoticed: the splitter ends the lap there.
            while not self._batches.empty():
                self._batches.get_nowait()
            log.warning("frames dropped", reason="laps are not taken as fast as they are driven")
        self._batches.put_nowait(item)


class _Recorder:
    """Puts batches together to laps."""

    def __init__(self) -> None:
        self._connection = 0
        self._splitter = LapSplitter()
        self._held: deque[tuple[int, Batch]] = deque()
        self._sessions: dict[tuple[object, ...], SessionFrame] = {}

    def take(self, batch: Batch) -> list[Lap]:
        """The laps that end in this batch."""
        if batch.connection != self._connection:
            self._report(self._splitter.finish().incomplete)
            self._connection, self._splitter = batch.connection, LapSplitter()
            self._held.clear()
        self._held.append((self._splitter.position, batch))
        found = self._splitter.feed(drive_frames(batch.records))
        self._report(found.incomplete)
        laps = [lap for piece in found.laps if (lap := self._lap(piece))]
        while self._held and self._end_of(*self._held[0]) <= self._splitter.keep_from:
            self._held.popleft()
        return laps

    def _lap(self, found: LapSlice) -> Lap | None:
        parts = [
            (batch, batch.records[max(0, found.start - start) : found.stop - start])
            for start, batch in self._held
            if start < found.stop and found.start < self._end_of(start, batch)
        ]
        first, last = parts[0][0], parts[-1][0]
        # One clock for the whole lap, so that its frames are as far apart as the simulator says.
        clock_us = round((first.wall_clock - float(first.records["SessionTime"][-1])) * 1e6)
        records = np.concatenate([records for _, records in parts])
        session = self._session(found.session, last.info, clock_us / 1e6 + records["SessionTime"][0])
        try:
            return build_lap(records, found, session, clock_us)
        except UnusableLapError as error:
            log.warning("lap not usable", lap_number=found.lap_number, reason=str(error))
            return None

    def _session(self, code: int, info: SessionInfo, first_seen: float) -> SessionFrame:
        stay = info.subsession_id or ("offline", self._connection)
        key = (stay, code, info.track_id, info.car_id)
        if key not in self._sessions:
            at = datetime.fromtimestamp(first_seen, UTC)
            self._sessions[key] = info.frame(uuid.uuid4(), session_number(code), at)
        return self._sessions[key]

    @staticmethod
    def _end_of(start: int, batch: Batch) -> int:
        return start + len(batch.records)

    @staticmethod
    def _report(incomplete: list[IncompleteLap]) -> None:
        for rest in incomplete:
            log.info(
                "no complete lap",
                reason=str(rest.reason),
                lap_number=rest.lap_number,
                frames=rest.frames,
            )
