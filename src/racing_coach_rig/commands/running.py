"""`racing-coach-rig run`: finds finished laps as they come, and sends them, for as long as the rig is on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.lap import Lap
from racing_coach_rig.commands.feed import Feed
from racing_coach_rig.commands.watch import watch as watch_folders
from racing_coach_rig.config import RigSettings
from racing_coach_rig.exceptions import LiveUnavailableError
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.sender import sending
from racing_coach_rig.sources.iracing.live import live_laps
from racing_coach_rig.sources.simulator import Simulator

log = structlog.stdlib.get_logger(__name__)

_AGAIN_FIRST_S: Final = 1.0
_AGAIN_CAP_S: Final = 60.0


async def run(settings: RigSettings, outbox: Outbox, *, watch: list[Path], live: bool, simulate: int | None) -> None:
    """Feed the outbox from every source asked for, and send, until cancelled.

    Raises:
        LiveUnavailableError: `live` where the simulator cannot run.
    """
    async with sending(settings, outbox) as sender, asyncio.TaskGroup() as tasks:
        feed = Feed(settings, outbox, sender.publisher)

        def start(name: str, source: Callable[[], Awaitable[None]]) -> None:
            tasks.create_task(_again_and_again(name, source), name=name)

        if watch:
            start("watched folders", lambda: watch_folders(feed, watch))
        if live:
            log.info("waiting for iRacing", next="a lap comes when the car has gone from line to line")
            start("live telemetry", lambda: _put_all(feed, live_laps(feed.labels)))
        if not watch and not live and simulate is None:
            log.info("no source of laps is named: what is on disk is sent, and nothing else is looked for")
        if simulate is not None:
            start("simulated driver", lambda: _put_all(feed, simulated_laps(seed=simulate)))
        tasks.create_task(asyncio.Event().wait(), name="until stopped")


async def _again_and_again(name: str, source: Callable[[], Awaitable[None]]) -> None:
    """Begin a source again when it fails: whatever it was, what is on disk must go on being sent."""
    backoff = Backoff(_AGAIN_FIRST_S, _AGAIN_CAP_S)
    while True:
        try:
            await source()
        except LiveUnavailableError:
            raise
        except Exception:
            log.exception("a source of laps failed, it is begun again", source=name)
        await asyncio.sleep(backoff.next_s())


async def simulated_laps(*, seed: int) -> AsyncGenerator[Lap]:
    """A simulated driver in real time: each lap comes when it would have been driven."""
    simulator = Simulator(seed=seed, started_at=datetime.now(UTC))
    for lap in simulator.laps():
        log.info("a simulated lap is being driven", due_in_s=round(lap.lap_time or 0))
        await asyncio.sleep(lap.lap_time or 0)
        yield lap


async def _put_all(feed: Feed, laps: AsyncGenerator[Lap]) -> None:
    async with aclosing(laps):
        async for lap in laps:
            await feed.put(lap)
