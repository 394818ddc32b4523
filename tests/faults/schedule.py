"""A seeded order in which everything goes wrong that can, sometimes two things at once."""

import asyncio
import random
from collections.abc import Callable, Iterable

# Imported for what they register.
from tests.faults import (  # noqa: F401
    broker_faults,
    combined_faults,
    daemon_and_rig_faults,
    database_faults,
    network_faults,
)
from tests.faults.fault import FAULTS
from tests.faults.world import World


async def run_schedule(
    world: World, chance: random.Random, faults: Iterable[str], said: Callable[[str], None] = lambda _: None
) -> None:
    """Faults with moments of peace between them; two at once where they strike at different parts of the world."""
    waiting = list(faults)
    busy: set[str] = set()

    async def strike(name: str, own_chance: random.Random, pause_s: float) -> None:
        said(name)
        await FAULTS[name].strike(world, own_chance)
        world.faults[name] = world.faults.get(name, 0) + 1
        await asyncio.sleep(pause_s)

    async def one_after_another(longest_pause_s: float) -> None:
        while waiting:
            name = next((name for name in waiting if not FAULTS[name].needs & busy), None)
            if name is None:
                await asyncio.sleep(0.1)
                continue
            waiting.remove(name)
            needs = FAULTS[name].needs
            busy.update(needs)
            await world.until_answered_more()
            await strike(name, random.Random(chance.random()), chance.uniform(0.5, longest_pause_s))
            busy.difference_update(needs)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one_after_another(longest_pause_s=2.5))
        tasks.create_task(one_after_another(longest_pause_s=8))


def each_once(chance: random.Random) -> list[str]:
    """Every kind of fault once, in an order of chance."""
    names = sorted(FAULTS)
    chance.shuffle(names)
    return names
