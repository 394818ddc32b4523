"""Drive laps under a seeded schedule of faults for as long as wanted, and check that every promise was kept.

    python -m tests.faults.soak --minutes 60
    python -m tests.faults.soak --minutes 5 --seed 1234          repeats a run's faults, their order and the laps

The exit status is 1 when the checker finds anything.
"""

import argparse
import asyncio
import random
import secrets
import sys
import time

from tests.faults.checker import Report
from tests.faults.schedule import FAULTS, each_once, run_schedule
from tests.faults.world import World

RIGS = 6
LAPS_PER_S = 3.0
"""What a machine of two cores has time for besides the faults."""


async def seeded_run(
    *, seed: int, minutes: float | None, laps: int | None, only: list[str] | None = None, drain_s: float = 90
) -> Report:
    """Faults while rigs drive, then a drain, then the checker.

    Args:
        seed: of faults and laps.
        minutes: how long faults go on; None for every kind once.
        laps: how many laps are driven in all; None for a pace that the machine can keep.
        only: names of the faults to choose from.
        drain_s: how long the last laps may take once the faults are over.
    """
    chance = random.Random(seed)
    names = only or each_once(chance)
    seconds = 60 * minutes if minutes is not None else _ABOUT_S * len(names)
    laps = laps or round(seconds * LAPS_PER_S)
    per_rig = -(-laps // RIGS)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {world.driven:5} driven {world.waiting:4} waiting  {text}", flush=True)

    async with World(seed=seed, rigs=RIGS, laps_per_rig=per_rig, interval_s=0.85 * seconds / per_rig) as world:
        await world.until_started()
        await run_schedule(world, chance, names, say)
        while minutes is not None and time.monotonic() - began < seconds:
            await run_schedule(world, chance, chance.sample(names, k=min(10, len(names))), say)
        say("the faults are over")
        await world.until_driven(timeout_s=seconds + 120)
        say("all laps are driven")
        await world.until_drained(drain_s)
        say("drained")
        await world.stop()
        report = await world.check()
    return report


_ABOUT_S = 3.5
"""What a fault takes on average, with the pause after it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=None, help="how long; every kind of fault once if not given")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--laps", type=int, default=None)
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), metavar="FAULT")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(10**6)
    repeat = f"python -m tests.faults.soak --seed {seed}"
    if arguments.minutes is not None:
        repeat += f" --minutes {arguments.minutes:g}"
    if arguments.laps is not None:
        repeat += f" --laps {arguments.laps}"
    repeat += "".join(f" --only '{name}'" for name in arguments.only or [])
    print(f"to repeat: {repeat}", flush=True)
    report = asyncio.run(
        seeded_run(seed=seed, minutes=arguments.minutes, laps=arguments.laps, only=arguments.only)
    )
    print(report.table())
    print(f"to repeat: {repeat}")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
