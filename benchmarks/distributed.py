"""What a lap costs on one server, and on the same machine as a cluster of Citus: `python -m benchmarks.distributed`.

It needs a PostgreSQL with Citus, whose programs `RACING_COACH_TEST_POSTGRES_BIN` names. All nodes share this machine's
disk and cores: the figures say what a distributed commit adds, not what more machines give.
"""

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from tests.citus import CitusCluster, has_citus
from tests.server.telemetry.storing import received
from tests.servers import PostgresProcess

from benchmarks.rigs.laps import simulate
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.init_db import upgrade_database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.tables import metadata
from racing_coach_server.telemetry.service import TelemetryService

_SIZES = text(
    "select pg_size_pretty(sum(shard_size) filter (where citus_table_type = 'distributed') / :laps),"
    " pg_size_pretty(sum(shard_size) filter (where citus_table_type = 'reference') / :laps) from citus_shards"
)


@dataclass(frozen=True)
class Row:
    """One way to store laps."""

    where: str
    at_once: int
    median_ms: float
    laps_a_second: float

    def __str__(self) -> str:
        return f"| {self.where} | {self.at_once} | {self.median_ms:.0f} ms | {self.laps_a_second:.0f} |"


async def measure(where: str, url: str, laps: Sequence[Lap], count: int, at_once: int) -> Row:
    """Store so many laps, each in a transaction of its own, at most so many at once."""
    settings = DatabaseSettings.model_validate({"url": url})
    database = Database(create_engine(settings, pool_size=at_once, application="benchmark"))
    took: list[float] = []
    turn = asyncio.Semaphore(at_once)

    async def store(lap: Lap) -> None:
        async with turn:
            began = time.perf_counter()
            async with database.transaction() as session:
                await TelemetryService(session).store_lap(replace(received(lap), payload_sha256=str(lap.lap_id)))
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(store(fresh(lap)) for lap in laps[:at_once]))  # connections and plans are made
    took.clear()
    began = time.perf_counter()
    await asyncio.gather(*(store(fresh(laps[number % len(laps)])) for number in range(count)))
    seconds = time.perf_counter() - began
    await database.close()
    return Row(where, at_once, 1e3 * statistics.median(took), count / seconds)


def fresh(lap: Lap) -> Lap:
    """The same frames as another lap of another driving session."""
    return replace(lap, lap_id=uuid.uuid4(), session=lap.session.model_copy(update={"session_id": uuid.uuid4()}))


async def sizes(url: str, laps: int) -> str:
    """Bytes a lap on a cluster: of frames on one node, of everything else on all nodes together."""
    database = Database(
        create_engine(DatabaseSettings.model_validate({"url": url}), pool_size=1, application="benchmark")
    )
    async with database.transaction() as session:
        frames, rest = (await session.execute(_SIZES, {"laps": laps})).one()
    await database.close()
    return f"a lap: {frames} of frames on one node; {rest} of all else, on all three nodes together"


async def run(count: int) -> None:
    """Print the table."""
    laps = simulate()
    print(f"{laps[0].frames.num_rows} frames a lap, {count} laps each")
    print("| | laps at once | median of a lap | laps a second |\n|---|---|---|---|")
    with PostgresProcess() as server:
        url = server.url.replace("+asyncpg", "")
        await upgrade_database(DatabaseSettings.model_validate({"url": url}), metadata)
        for at_once in (1, 4):
            print(await measure("one server", url, laps, count, at_once), flush=True)
    with CitusCluster() as cluster:
        database = await asyncio.to_thread(cluster.make_database, "racing")
        await asyncio.to_thread(database.distribute)
        for where, node in (("coordinator", cluster.coordinator), ("worker", cluster.workers[0])):
            for at_once in (1, 4):
                print(await measure(f"a cluster, at a {where}", database.url(node), laps, count, at_once), flush=True)
        print(await sizes(database.url(), 4 * count + 10))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", type=int, default=200)
    arguments = parser.parse_args()
    if not has_citus():
        parser.error("this PostgreSQL has no Citus: name the programs of one in RACING_COACH_TEST_POSTGRES_BIN")
    asyncio.run(run(arguments.laps))


if __name__ == "__main__":
    main()
