"""Connections to the broker that are cut, held back or left half open."""

import asyncio
import contextlib
import random

from tests.faults.fault import LONGER_THAN_KEEPALIVE_S, fault
from tests.faults.world import World


@fault("sockets cut", "network")
async def sockets_cut(world: World, chance: random.Random) -> None:
    for _ in range(3):
        world.to_broker.cut()
        await asyncio.sleep(chance.uniform(0.2, 1.5))


@fault("sockets cut in mid-payload", "network")
async def sockets_cut_in_mid_payload(world: World, chance: random.Random) -> None:
    cuts = world.to_broker.cuts
    world.to_broker.cut_after(chance.randrange(10_000, 140_000))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(6):
            while world.to_broker.cuts - cuts < len(world.rigs):
                await asyncio.sleep(0.1)


@fault("network silent", "network")
async def network_held(world: World, chance: random.Random) -> None:
    world.to_broker.hold()
    try:
        await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    finally:
        world.to_broker.release()


@fault("connections half open, what they held comes late", "network")
async def half_open(world: World, chance: random.Random) -> None:
    stranded = world.to_broker.strand()
    await asyncio.sleep(LONGER_THAN_KEEPALIVE_S + 4)
    for link in stranded:
        link.flowing.set()
    await asyncio.sleep(1)
