"""Backup and restore of a database that lies on several servers: whole, or refused with what to do instead."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.citus import CitusDatabase
from tests.in_process import Done
from tests.server.backup.test_backup import run
from tests.server.commands.stints import store
from tests.server.support import Stored, connected, new_lap, new_laps
from tests.servers import postgres_bin_dir
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.citus

LAPS = """
    select l.id, l.content_sha256, l.created_at, l.driver, s.track_name
    from laps l join track_sessions s on s.id = l.track_session_id order by l.id
"""
"""Their frames are compared with those hashes by `restore` itself."""


async def command(url: str, *words: object) -> Done:
    """`racing-coach WORDS`, with the programs beside the server."""
    programs = {"RACING_COACH_BACKUP__PROGRAMS": str(postgres_bin_dir())}
    return await asyncio.to_thread(run, url, *words, **programs)


async def test_a_cluster_is_backed_up_restored_and_laid_over_servers_again(
    citus: CitusDatabase, database_url: str, tmp_path: Path
) -> None:
    """At any node; into one server; from there into a cluster, where `db distribute` moves the rows."""
    await asyncio.to_thread(citus.distribute)
    await store(citus.url(), new_laps(4))
    before = await Stored(citus.url()).query(LAPS)

    for node, name in ((citus.cluster.coordinator, "at the coordinator"), (citus.cluster.workers[0], "at a worker")):
        done = await command(citus.url(node), "backup", tmp_path / name)
        assert done.code == 0, done
        assert "4 laps" in done.errors
    restored = await command(database_url, "restore", tmp_path / "at a worker")
    assert "every lap is what it was when it came" in restored.errors
    assert await Stored(database_url).query(LAPS) == before

    other = await asyncio.to_thread(citus.cluster.make_database, f"{citus.name}_other")
    assert (await command(other.url(), "restore", tmp_path / "at the coordinator")).code == 0
    assert (await command(other.url(), "db", "distribute")).code == 0
    assert await Stored(other.url(other.cluster.workers[1])).query(LAPS) == before
    looked = await command(other.url(), "restore", tmp_path / "at the coordinator", "--verify-only")
    assert "every lap is what it was when it came" in looked.errors


async def test_a_daemon_at_any_node_is_named_and_no_backup_is_begun(citus: CitusDatabase, tmp_path: Path) -> None:
    """While laps come, there is no one moment that all servers have; and what to do instead is said."""
    await asyncio.to_thread(citus.distribute)
    worker = citus.url(citus.cluster.workers[0])
    daemon = await asyncpg.connect(worker, server_settings={"application_name": "racing-coach pit-wall 0.1.0"})
    try:
        refused = await command(citus.url(), "backup", tmp_path / "monday")
    finally:
        await daemon.close()
    assert refused.code == 1
    assert "racing-coach pit-wall 0.1.0 works with this database" in refused.errors
    assert "base backups of all nodes" in refused.errors
    assert not (tmp_path / "monday").exists()


async def test_no_lap_comes_while_it_is_made(citus: CitusDatabase, tmp_path: Path) -> None:
    """Who stores one at a worker waits until it is done, and is not in it."""
    await asyncio.to_thread(citus.distribute)
    await store(citus.url(), new_laps(2))
    async with connected(citus.url()) as holder:
        await holder.execute("begin; lock table frame_blocks in access exclusive mode")
        backing = asyncio.create_task(command(citus.url(), "backup", tmp_path / "monday"))
        await _until_it_waits(citus.url())
        storing = asyncio.create_task(store(citus.url(citus.cluster.workers[0]), [new_lap()]))
        done, _ = await asyncio.wait({storing}, timeout=1)
        assert not done
        await holder.execute("rollback")
        assert (await backing).code == 0
    await storing
    async with asyncio.timeout(TIMEOUT_S):
        assert await Stored(citus.url()).value("select count(*) from laps") == 3


async def _until_it_waits(url: str) -> None:
    waits = "select count(*) from pg_stat_activity where application_name like 'racing-coach backup%' and wait_event_type = 'Lock'"
    async with asyncio.timeout(TIMEOUT_S):
        while not await Stored(url).value(waits):
            await asyncio.sleep(0.05)


async def test_a_backup_is_not_restored_into_what_is_distributed_already(citus: CitusDatabase, tmp_path: Path) -> None:
    """It is refused before anything is touched, and what to do is said."""
    await asyncio.to_thread(citus.distribute)
    assert (await command(citus.url(), "backup", tmp_path / "monday")).code == 0
    refused = await command(citus.url(), "restore", tmp_path / "monday")
    assert refused.code == 1
    assert "is distributed already" in refused.errors
    assert "`racing-coach db distribute`" in refused.errors
    assert await Stored(citus.url()).value("select count(*) from citus_tables") > 0
