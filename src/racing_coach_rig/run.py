"""`racing-coach-rig run`: finds finished laps as they come, and sends them, for as long as the rig is on."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import structlog
from watchfiles import Change, awatch

from racing_coach_core.lap import Lap
from racing_coach_rig.config import RigSettings
from racing_coach_rig.delivery import sending
from racing_coach_rig.exceptions import OutboxError, RigError
from racing_coach_rig.outbox import Outbox
from racing_coach_rig.publisher import Publisher
from racing_coach_rig.sources.base import read_file
from racing_coach_rig.sources.live import live_laps
from racing_coach_rig.sources.simulator import Simulator

log = structlog.stdlib.get_logger(__name__)

SUFFIXES = frozenset({".csv", ".ibt", ".json", ".arrow", ".gz", ".zst"})
_LOOK_MS = 500
_GATHER_MS = 3_000
"""Changes that follow each other closely are one, for so long."""
_REST = 20
"""A file that grows is read again after so many times as long as reading it took. iRacing writes an .ibt for as long as
one drives, hundreds of megabytes, on the machine that must not miss a frame."""


async def run(settings: RigSettings, outbox: Outbox, *, watch: list[Path], live: bool, simulate: int | None) -> None:
    """Feed the outbox from every source asked for, and send, until cancelled."""
    async with sending(settings, outbox) as sender, asyncio.TaskGroup() as tasks:
        if watch:
            tasks.create_task(_watch(settings, outbox, sender.publisher, watch), name="watched folders")
        if live:
            tasks.create_task(_spool_all(settings, outbox, sender.publisher, live_laps()), name="live telemetry")
        if simulate is not None:
            laps = simulated_laps(seed=simulate)
            tasks.create_task(_spool_all(settings, outbox, sender.publisher, laps), name="simulated driver")
        tasks.create_task(asyncio.Event().wait(), name="until stopped")


async def simulated_laps(*, seed: int) -> AsyncGenerator[Lap]:
    """A simulated driver in real time: each lap comes when it would have been driven."""
    simulator = Simulator(seed=seed, started_at=datetime.now(UTC))
    for lap in simulator.laps():
        await asyncio.sleep(lap.lap_time or 0)
        yield lap


async def _spool_all(settings: RigSettings, outbox: Outbox, publisher: Publisher, laps: AsyncGenerator[Lap]) -> None:
    async with aclosing(laps):
        async for lap in laps:
            await _spool(settings, outbox, publisher, lap)


async def _spool(settings: RigSettings, outbox: Outbox, publisher: Publisher, lap: Lap) -> bool:
    """Put a lap on disk; whether it is there."""
    try:
        entry = await asyncio.to_thread(outbox.spool, lap, settings.sending.encoding, again=False)
    except OutboxError as error:
        log.critical("a lap was refused", lap_number=lap.lap_number, reason=str(error))
        return False
    publisher.wake()
    log.info("lap on disk", lap=entry.title, lap_time=lap.lap_time, frames=lap.frames.num_rows)
    return True


async def _watch(settings: RigSettings, outbox: Outbox, publisher: Publisher, folders: list[Path]) -> None:
    """Read what is in the folders now, and every file that comes or grows."""
    looked = False
    changed: set[Path] = set()
    rests_until: dict[Path, float] = {}
    async for changes in awatch(
        *folders, debounce=_GATHER_MS, step=_LOOK_MS, rust_timeout=_LOOK_MS, yield_on_timeout=True, recursive=True
    ):
        changed |= {Path(name) for change, name in changes if change is not Change.deleted}
        if not looked:
            # Not before the watch is set up, or a file that comes in between would never be seen.
            changed |= {path for folder in folders for path in folder.rglob("*")}
            looked = True
        changed = {path for path in changed if path.suffix.lower() in SUFFIXES}
        for path in sorted(path for path in changed if rests_until.get(path, 0.0) <= time.monotonic()):
            changed.remove(path)
            began = time.monotonic()
            await _read(settings, outbox, publisher, path)
            ended = time.monotonic()
            rests_until[path] = ended + _REST * (ended - began)


async def _read(settings: RigSettings, outbox: Outbox, publisher: Publisher, path: Path) -> None:
    try:
        stat = path.stat()
        if not await asyncio.to_thread(outbox.file_is_new, path, stat.st_size, stat.st_mtime_ns):
            return
        result = await asyncio.to_thread(read_file, path)
        kept = [await _spool(settings, outbox, publisher, lap) for lap in result.laps]
        if all(kept):
            # Else the file is looked at again with the next start.
            await asyncio.to_thread(outbox.file_was_read, path, stat.st_size, stat.st_mtime_ns)
    except (RigError, OSError) as error:
        log.warning("a file gave no lap", path=str(path), reason=str(error))
        return
    for refused in result.refused:
        log.info("frames without a lap", path=str(path), reason=refused.reason, frames=refused.frames)
