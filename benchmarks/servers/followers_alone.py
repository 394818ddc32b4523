"""Analyses, compares and coaches every lap of a database, oldest first, as the daemon's followers do, and nothing else.

Usage: followers_alone.py DATABASE_URL. Writes what it took to stdout, as JSON.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import true
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.comparer import Comparer
from racing_coach_server.analytics.comparison.followers import LapComparer
from racing_coach_server.analytics.lap_analysis.analyst import Analyst
from racing_coach_server.analytics.lap_analysis.followers import LapAnalyser
from racing_coach_server.coaching.coach import Coach
from racing_coach_server.coaching.followers import LapCoach
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.following.follower import Follower
from racing_coach_server.messaging.messages import Event
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.reading import StoredLaps

_ALL = 100_000


class Followers:
    """The three that follow one another."""

    def __init__(self, dependencies: Dependencies) -> None:
        cell = dependencies.settings.cell_name
        self._in_order: tuple[Follower[Any], ...] = (
            LapAnalyser(dependencies.once(Analyst), cell),
            LapComparer(dependencies.once(Comparer), cell),
            LapCoach(dependencies.once(Coach), dependencies.topics, cell),
        )

    async def do(self, database: Database, lap: LapStored) -> float:
        """Do one lap, in a transaction each. Returns the CPU time of this process, s."""
        began = time.process_time()
        events: Sequence[Event] = (lap,)
        for follower in self._in_order:
            async with database.transaction() as session:
                followed = await follower.follow(session, events[0])
            events = followed.events
        return time.process_time() - began


async def laps_of(session: AsyncSession) -> list[LapStored]:
    """Every lap, oldest first."""
    return [*await StoredLaps(session).events(true(), limit=_ALL)][::-1]


async def measure(url: str) -> dict[str, Any]:
    settings = Settings(_env_file=None, database={"url": url})
    database = Database(create_engine(settings.database, pool_size=2, application="benchmark"))
    try:
        with Dependencies(settings) as dependencies:
            followers = Followers(dependencies)
            async with database.transaction() as session:
                laps = await laps_of(session)
            began = time.perf_counter()
            cpu_s = [await followers.do(database, lap) for lap in laps]
            seconds = time.perf_counter() - began
    finally:
        await database.close()
    return {"laps": len(laps), "seconds": seconds, "cpu_s": cpu_s, "rss_peak_bytes": peak_rss()}


def peak_rss() -> int:
    """The kernel's high-water mark of this process's memory, bytes."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


async def main() -> None:
    print(json.dumps(await measure(sys.argv[1])))


if __name__ == "__main__":
    run_async(main())
