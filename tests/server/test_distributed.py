"""Two cells on one database that Citus has laid over several servers, each connected to a node of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.citus import CitusDatabase
from tests.in_process import run_here
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import all_coached, coached, stint
from tests.server.coaching.test_two_daemons import QUICK, followed
from tests.server.commands.test_commands import settings_of
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, spoilt
from tests.server.web.conftest import asking, web_settings
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.following.locks import lock, try_lock
from racing_coach_server.main import main

pytestmark = pytest.mark.citus


@pytest.fixture
async def at_nodes(citus: CitusDatabase) -> AsyncIterator[list[Database]]:
    """A distributed database as the coordinator and each worker show it."""
    await asyncio.to_thread(citus.distribute)
    urls = [make_url(citus.url(node)).set(drivername="postgresql+asyncpg") for node in citus.cluster.nodes]
    made = [Database(create_async_engine(url)) for url in urls]
    yield made
    for each in made:
        await each.close()


async def test_a_lock_is_one_for_all_nodes(at_nodes: list[Database]) -> None:
    """Wherever it is taken nobody else gets it, at any node; another event's is free; and it ends with the transaction."""
    for number in range(8):  # they lie on both workers
        key = f"lap {number}"
        for holder in at_nodes:
            others = [each for each in at_nodes if each is not holder]
            async with holder.transaction() as held:
                assert await try_lock(held, "toy", key)
                for other in others:
                    async with other.transaction() as session:
                        assert not await try_lock(session, "toy", key)
                        assert await try_lock(session, "other", key)
            async with others[0].transaction() as session:
                assert await try_lock(session, "toy", key)


async def test_who_waits_for_a_lock_gets_it_in_the_end(at_nodes: list[Database]) -> None:
    """At another node than the one that has it."""
    _, one, two = at_nodes

    async def wait() -> None:
        async with two.transaction() as session:
            await lock(session, "toy", "a lap")

    async with one.transaction() as session:
        await lock(session, "toy", "a lap")
        waiting = asyncio.create_task(wait())
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
    await asyncio.wait_for(waiting, TIMEOUT_S)


async def test_laps_of_two_cells_are_stored_coached_and_shown_from_any_node(
    citus: CitusDatabase,
    start_daemon: StartDaemon,
    mosquitto_process: MosquittoProcess,
    broker: Broker,
    rig: LapClient,
    tmp_path: Path,
) -> None:
    """Each lap once, its coaching where its rig hears it, frames on both workers, and every command at a worker."""
    await asyncio.to_thread(citus.distribute)
    other, stored = mosquitto_process.broker, Stored(citus.url())
    urls = [citus.url(worker) for worker in citus.cluster.workers]
    daemons = [
        start_daemon(settings=QUICK, database_url=urls[0]),
        start_daemon(settings=QUICK, database_url=urls[1], broker=other),
    ]
    laps = 7
    async with LapClient(other, "rig-2") as second:
        for one, two in zip(stint(laps), stint(laps, seed=2), strict=True):
            said = await asyncio.gather(coached(rig, one), coached(second, two))
            assert [each.lap_id for each in said] == [one.lap_id, two.lap_id]
        answer = await rig.send(spoilt(one, lambda document: document["lap"].pop("frames")))
        assert answer.status == "rejected"
    await eventually(lambda: all_coached(stored, 2 * laps))

    for follower in ("lap_analysis", "comparison", "coaching"):
        done = followed(daemons, follower)
        assert len(set(done)) == 2 * laps, follower
    assert await stored.value("select count(*) from track_maps") == 1
    assert not [line for daemon in daemons for line in daemon.log if line.get("level") == "error"]
    shares = await stored.query("select sum(shard_size) > 0 from citus_shards where table_name = 'frame_blocks'::regclass"
                                " group by nodeport")  # fmt: skip
    assert [share[0] for share in shares] == [True, True]
    await _pages(broker, urls[1], one)
    await _commands(broker, urls[1], one, tmp_path)


async def _pages(broker: Broker, url: str, lap: Lap) -> None:
    """What a browser may ask for, at a worker."""
    session = lap.session
    who = {"driver": session.driver_id, "track": session.track_id, "car": session.car_id}
    async with asking(web_settings(broker, url)) as pages:
        for path, query in (
            ("laps", {}),
            ("laps", {**who, "sort": "lap_time", "valid": True}),
            ("facets", {}),
            ("sessions", {"rig": "rig-1"}),
            ("progress/choices", {}),
            ("progress", {**who, "config": session.track_config_name or ""}),
            ("pit-wall", {}),
            *((f"laps/{lap.lap_id}{part}", {}) for part in _OF_A_LAP),
            (f"laps/{lap.lap_id}/comparison", {"against": "theoretical"}),
            (f"laps/{lap.lap_id}/columns", {"format": "parquet"}),
        ):
            answer = await pages.get(f"/api/v1/{path}", params=query)
            assert answer.status_code == 200, (path, answer.text)


_OF_A_LAP = ("", "/view", "/report", "/columns", "/analysis", "/coaching", "/references")


async def _commands(broker: Broker, url: str, driven: Lap, folder: Path) -> None:
    """What an operator may ask for, at a worker."""
    lap, session = str(driven.lap_id), driven.session
    for words in (
        ["laps", "list"],
        ["laps", "show", lap],
        ["laps", "export", lap, "-o", "/dev/null"],
        ["laps", "analyze", lap],
        ["laps", "compare", lap, "--against", "theoretical"],
        ["laps", "report", lap, "-o", str(folder / "lap.html")],
        ["coaching", "show", lap],
        ["coaching", "show", "--rig", "rig-1"],
        ["references", "set", lap],
        ["references", "show"],
        ["references", "clear", "--lap", lap],
        ["tracks", "list"],
        ["rejected", "list"],
        ["analyze", "--all"],
        ["analyze", "--lap", lap],
        ["laps", "list", "--best"],
        ["laps", "list", "--best", "--track", session.track_id, "--car", session.car_id],
        ["laps", "relabel", lap, "--driver", "Somebody", "--yes"],
        ["export", "--rig", "rig-1", "-o", str(folder / "export")],
        ["laps", "delete", lap, "--yes"],
        ["laps", "changes"],
        ["laps", "readmit", lap],
        ["db", "prune", "--older-than", "365d"],
        ["erase", "--rig", "rig-1"],
    ):
        done = await asyncio.to_thread(
            run_here, main, *words, environment=settings_of(broker, url), cwd=Path.cwd()
        )  # fmt: skip
        assert done.code == 0, (words, done.errors, done.output)
