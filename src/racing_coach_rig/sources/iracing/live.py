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
import platform
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from racing_coach_core.lap import Lap
from racing_coach_rig.exceptions import LiveUnavailableError
from racing_coach_rig.sources.iracing.memory import Batch
from racing_coach_rig.sources.iracing.reader import DEFAULT_PACE, MAX_BATCHES, Pace, Reader
from racing_coach_rig.sources.iracing.recorder import Recorder
from racing_coach_rig.sources.labels import NO_LABELS, Labels

log = structlog.stdlib.get_logger(__name__)


async def live_laps(
    labels: Labels = NO_LABELS, *, memory_file: Path | None = None, pace: Pace = DEFAULT_PACE
) -> AsyncGenerator[Lap]:
    """Yield the laps of the running simulator, for as long as it is asked.

    Reading goes on while a lap is dealt with. Close the generator (`contextlib.aclosing`) to end it.

    Args:
        labels: count more than what the simulator says.
        memory_file: a file to read instead of the simulator's shared memory, of the same layout.
        pace: how often to look.

    Raises:
        LiveUnavailableError: not on Windows, and no `memory_file`.
    """
    if memory_file is None and platform.system() != "Windows":
        raise LiveUnavailableError(platform.system())
    batches: asyncio.Queue[Batch] = asyncio.Queue(MAX_BATCHES)
    reader = Reader(asyncio.get_running_loop(), batches, memory_file, pace)
    recorder = Recorder(labels)
    reader.start()
    try:
        while True:
            batch = await batches.get()
            try:
                # A finished lap is copied together, which takes longer than the event loop should wait.
                laps = await asyncio.to_thread(recorder.take, batch)
            except Exception:
                log.exception("frames gave no lap, the next lap is waited for")
                recorder.begin_again()
                continue
            for lap in laps:
                yield lap
    finally:
        reader.stop()
        await asyncio.to_thread(reader.join)
