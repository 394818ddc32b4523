"""A broker that is killed, frozen, restarted or forgets; and what it may do by itself."""

import asyncio
import random

from tests.faults.chaos import republish
from tests.faults.fault import LONGER_THAN_KEEPALIVE_S, fault
from tests.faults.world import World


@fault("broker killed", "broker")
async def broker_killed(world: World, chance: random.Random) -> None:
    if chance.random() < 0.5:
        world.broker.save()
        await asyncio.sleep(chance.uniform(0.0, 1.0))
    await asyncio.to_thread(world.broker.kill)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await asyncio.to_thread(world.broker.start)


@fault("broker killed, its disk lost", "broker")
async def broker_killed_and_forgetful(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.kill)
    world.broker.forget()
    await asyncio.to_thread(world.broker.start)


@fault("broker restarted", "broker")
async def broker_restarted(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.stop)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await asyncio.to_thread(world.broker.start)


@fault("broker restarted without its file", "broker")
async def broker_restarted_and_forgetful(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.stop)
    world.broker.forget()
    await asyncio.to_thread(world.broker.start)


@fault("broker frozen", "broker")
async def broker_frozen(world: World, chance: random.Random) -> None:
    world.broker.freeze()
    try:
        await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    finally:
        world.broker.thaw()


@fault("laps delivered again", "broker")
async def duplicates(world: World, chance: random.Random) -> None:
    await republish(world.broker.broker, chance, shuffled=False)


@fault("laps delivered again out of order", "broker")
async def reordered(world: World, chance: random.Random) -> None:
    await republish(world.broker.broker, chance, shuffled=True)
