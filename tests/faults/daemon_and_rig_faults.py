"""A daemon or a rig that is killed, frozen or restarted."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.fault import LONGER_THAN_KEEPALIVE_S, fault
from tests.faults.rig import Rig
from tests.faults.world import World


@fault("daemon killed", "daemon")
async def daemon_killed(world: World, chance: random.Random) -> None:
    with world.down("daemon"):
        await asyncio.to_thread(world.daemon.kill)
        await asyncio.sleep(chance.choice([0, 0, 1.0]))
        await asyncio.to_thread(world.daemon.start, wait=False)


@fault("daemon killed again and again", "daemon")
async def daemon_killed_often(world: World, chance: random.Random) -> None:
    for _ in range(4):
        await daemon_killed(world, chance)
        await asyncio.sleep(chance.uniform(1.0, 3.0))


@fault("daemon restarted", "daemon")
async def daemon_restarted(world: World, chance: random.Random) -> None:
    with world.down("daemon"):
        await world.stop_daemon()
        await asyncio.to_thread(world.daemon.start, wait=False)


@fault("daemon frozen", "daemon")
async def daemon_frozen(world: World, chance: random.Random) -> None:
    await world.until_ready()
    with world.down("daemon"):
        await _frozen([world.daemon.pid], LONGER_THAN_KEEPALIVE_S)


@fault("rig killed", "rigs")
async def rig_killed(world: World, chance: random.Random) -> None:
    for rig in chance.sample(world.rigs, k=min(2, len(world.rigs))):
        with world.down(rig.name):
            await asyncio.to_thread(rig.kill)
            rig.start()
        await asyncio.sleep(chance.uniform(0.0, 1.0))


@fault("rig frozen", "rigs")
async def rig_frozen(world: World, chance: random.Random) -> None:
    rigs: list[Rig] = chance.sample(world.rigs, k=min(2, len(world.rigs)))
    with world.down(*(rig.name for rig in rigs)):
        await _frozen([rig.pid for rig in rigs], LONGER_THAN_KEEPALIVE_S)


async def _frozen(pids: list[int], seconds: float) -> None:
    async with _stopped(pids):
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _stopped(pids: list[int]) -> AsyncIterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
