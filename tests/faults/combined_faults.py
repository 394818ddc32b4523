"""Several things that go wrong at once."""

import asyncio
import random

from tests.faults.daemon_and_rig_faults import daemon_killed, daemon_restarted
from tests.faults.fault import fault
from tests.faults.world import World


@fault("everything killed at once", "daemon", "broker", "database", "rigs")
async def everything_killed(world: World, chance: random.Random) -> None:
    names = [rig.name for rig in world.rigs]
    with world.down("daemon", *names):
        kills = [world.daemon.kill, world.broker.kill, world.database.kill, *(rig.kill for rig in world.rigs)]
        chance.shuffle(kills)
        await asyncio.gather(*(asyncio.to_thread(kill) for kill in kills))
        await asyncio.gather(asyncio.to_thread(world.broker.start), asyncio.to_thread(world.database.start))
        await asyncio.to_thread(world.daemon.start, wait=False)
        for rig in world.rigs:
            rig.start()


@fault("daemon killed while the database is gone", "daemon", "database")
async def killed_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(2)
    await daemon_killed(world, chance)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    await asyncio.to_thread(world.database.start)


@fault("daemon restarted while the database is gone", "daemon", "database")
async def restarted_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(2)
    await daemon_restarted(world, chance)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    await asyncio.to_thread(world.database.start)


@fault("network cut while the database is gone", "network", "database")
async def cut_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(1)
    for _ in range(3):
        await asyncio.sleep(1)
        world.to_broker.cut()
    await asyncio.to_thread(world.database.start)
