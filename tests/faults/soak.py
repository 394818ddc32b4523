"""Drive laps under a seeded schedule of faults for as long as wanted, and check that every promise was kept.

    python -m tests.faults.soak --minutes 60
    python -m tests.faults.soak --minutes 60 --seed 1234         repeats a run's laps, faults and their order
    python -m tests.faults.soak --database-outage 10             a database that is gone for ten minutes, 200 laps
    python -m tests.faults.soak --backlog 500                    500 laps of 8 MB waiting in mosquitto

The exit status is 1 when the checker finds anything.
"""

import argparse
import asyncio
import random
import secrets
import sys
import time

from tests.faults.backlog import drain_waiting
from tests.faults.checker import MEMORY_BOUND_BYTES, Report
from tests.faults.fault import FAULTS
from tests.faults.outage import database_outage
from tests.faults.schedule import each_once, run_schedule
from tests.faults.world import World
from tests.servers import MosquittoProcess, PostgresProcess

RIGS = 6
LAPS_PER_S = 3.0
"""What a machine of two cores has time for besides the faults."""

_ABOUT_S = 4.5
"""What a fault takes on average, with the pause after it."""


async def seeded_run(
    *,
    seed: int,
    minutes: float | None,
    laps: int | None,
    only: list[str] | None = None,
    drain_s: float = 90,
    keep: bool = False,
    has_adversary: bool = True,
) -> Report:
    """Faults while rigs drive, then a drain, then the checker.

    Args:
        seed: of faults and laps.
        minutes: how long faults go on; None for every kind once.
        laps: how many laps are driven in all; None for a pace that the machine can keep.
        only: names of the faults to choose from.
        drain_s: how long none of the last laps may be done once the faults are over.
        keep: keep logs, journals and outboxes even if nothing is found.
        has_adversary: whether one more rig sends the worst there is meanwhile.
    """
    chance = random.Random(seed)
    names = only or each_once(chance)
    seconds = 60 * minutes if minutes is not None else _ABOUT_S * len(names)
    laps = laps or round(seconds * LAPS_PER_S)
    per_rig = -(-laps // RIGS)
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:7.1f} s  {world.driven:5} driven {world.waiting:4} waiting  {text}")

    async with World(
        seed=seed,
        rigs=RIGS,
        laps_per_rig=per_rig,
        interval_s=0.85 * seconds / per_rig,
        has_adversary=has_adversary,
    ) as world:
        world.keeps_evidence = keep
        await world.until_started()
        await run_schedule(world, chance, names, tell)
        while minutes is not None and time.monotonic() - began < seconds:
            await run_schedule(world, chance, chance.sample(names, k=min(10, len(names))), tell)
        tell("the faults are over")
        await world.until_driven(timeout_s=120)
        tell("all laps are driven")
        await world.until_drained(drain_s)
        tell("drained")
        await world.until_coached(drain_s)
        tell("all laps are coached")
        await world.stop()
        return await world.check()


def say(text: str) -> None:
    print(text, flush=True)


def faults(arguments: argparse.Namespace) -> int:
    """Drive, strike, drain, check; the exit status."""
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(10**6)
    repeat = f"python -m tests.faults.soak --seed {seed}"
    if arguments.minutes is not None:
        repeat += f" --minutes {arguments.minutes:g}"
    if arguments.laps is not None:
        repeat += f" --laps {arguments.laps}"
    repeat += "".join(f" --only '{name}'" for name in arguments.only or [])
    say(f"to repeat: {repeat}")
    report = asyncio.run(
        seeded_run(seed=seed, minutes=arguments.minutes, laps=arguments.laps, only=arguments.only, keep=arguments.keep)
    )
    say(f"{report.table()}\nto repeat: {repeat}")
    return 1 if report.findings else 0


def outage(minutes: float, laps: int) -> int:
    """A database outage while laps arrive; the exit status."""
    report = asyncio.run(database_outage(seed=secrets.randbelow(10**6), seconds=60 * minutes, laps=laps, said=say))
    say(report.table())
    return 1 if report.findings else 0


def backlog(laps: int) -> int:
    """Large laps waiting in mosquitto; the exit status."""
    # More than our configuration lets wait for one client: there the rigs would hold the rest.
    with MosquittoProcess(settings={"max_queued_bytes": "0"}) as broker, PostgresProcess() as database:
        drained = asyncio.run(drain_waiting(broker.broker, database.url, laps, say))
    say(str(drained))
    whole = drained.stored == drained.answered == laps
    return 0 if whole and drained.peak_rss_bytes < MEMORY_BOUND_BYTES else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="how long; every kind of fault once if not given")
    parser.add_argument("--seed", type=int, help="of faults and laps; a random one if not given")
    parser.add_argument(
        "--laps", type=int, help="how many in all; as many as the machine can keep up with if not given"
    )
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), metavar="FAULT", help="may be given again")
    parser.add_argument("--keep", action="store_true", help="keep logs, journals and outboxes in any case")
    parser.add_argument("--database-outage", type=float, metavar="MINUTES", help="instead: one long outage, 200 laps")
    parser.add_argument("--backlog", type=int, metavar="LAPS", help="instead: laps of 8 MB waiting in mosquitto")
    arguments = parser.parse_args()
    if arguments.database_outage is not None:
        return outage(arguments.database_outage, arguments.laps or 200)
    if arguments.backlog is not None:
        return backlog(arguments.backlog)
    return faults(arguments)


if __name__ == "__main__":
    sys.exit(main())
