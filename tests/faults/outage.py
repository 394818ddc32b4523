"""A database outage with laps arriving: how long and how many laps is up to the caller."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from tests.faults.checker import Report
from tests.faults.world import World
from tests.waiting import eventually

RIGS = 5


async def database_outage(
    *, seed: int, seconds: float, laps: int, said: Callable[[str], None] = lambda _: None
) -> Report:
    """Stop the database, let the rigs drive all their laps, start it, and wait until every lap is answered."""
    per_rig = -(-laps // RIGS)
    async with World(seed=seed, rigs=RIGS, laps_per_rig=per_rig, interval_s=0.9 * seconds / per_rig) as world:
        await world.until_started()
        connects = len(world.daemon.logged("connected to the broker"))
        began = time.monotonic()
        await asyncio.to_thread(world.database.stop)
        while time.monotonic() - began < seconds or not all(rig.is_done for rig in world.rigs):
            await asyncio.sleep(min(10.0, seconds / 10))
            said(f"{time.monotonic() - began:6.1f} s without a database: {world.driven} driven, {world.waiting} wait")
        if len(world.daemon.logged("connected to the broker")) != connects:
            world.violations.append("the connection to the broker did not outlast the outage")
        await asyncio.to_thread(world.database.start)
        world.faults["database gone"] = 1
        began = time.monotonic()
        await world.until_drained(120)
        said(f"drained {time.monotonic() - began:.1f} s after it came back")
        # The heartbeat says so too, at its next look.
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: world.daemon.logged("the database is back"))
        for event in ("the database is in trouble, laps wait", "the database is back"):
            if len(found := world.daemon.logged(event)) != 1:
                world.violations.append(f"{event!r} was logged {len(found)} times")
        await world.until_coached(120)
        await world.stop()
        return await world.check()
