"""`racing-coach db distribute`: on a coordinator of Citus it lays the database over the nodes, elsewhere it says why not."""

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.citus import CitusDatabase, CitusNode
from tests.in_process import Done, run_here
from tests.infra import Broker
from tests.server.commands.test_commands import settings_of
from tests.server.database.test_init_db import plain, with_connection
from tests.server.support import Stored, new_laps
from tests.server.telemetry.storing import received
from tests.servers import postgres_bin_dir

import racing_coach_server
from racing_coach_core.lap import Lap
from racing_coach_server.database.distribute import one_by_one
from racing_coach_server.database.engine import Database
from racing_coach_server.database.init_db import head_revision
from racing_coach_server.main import main
from racing_coach_server.tables import metadata
from racing_coach_server.telemetry.service import TelemetryService

TABLES = len(metadata.tables) + 1
"""Ours, and the migrations' own."""
SCALING = Path(racing_coach_server.__file__).parents[2] / "docs/scaling.md"
FUNCTION = "create function f() returns trigger language plpgsql as 'begin return new; end'"
TRIGGER = "create trigger mine after insert on laps for each row execute function f()"
NO_SHARDS = "select citus_set_node_property(nodename, nodeport, 'shouldhaveshards', false) from pg_dist_node"


def db(url: str, broker: Broker, *words: str) -> Done:
    """`racing-coach db WORDS`."""
    return run_here(main, "db", *words, environment=settings_of(broker, url), cwd=Path.cwd())


def placed(citus: CitusDatabase) -> dict[str, str]:
    """Where the coordinator says that tables lie."""
    rows = citus.execute("select table_name::text, citus_table_type, distribution_column from citus_tables")
    return {name: column if kind == "distributed" else kind for name, kind, column in rows}


def test_a_server_without_citus_is_told_what_it_lacks(database_url: str, broker: Broker) -> None:
    """One clear sentence with what to do, exit code 1, and nothing is changed."""
    done = db(database_url.replace("+asyncpg", ""), broker, "distribute")
    assert done.code == 1
    assert "the server has not loaded Citus" in done.errors
    assert "shared_preload_libraries = 'citus'" in done.errors


@pytest.mark.citus
def test_it_says_what_it_would_do_and_then_does_it_once(citus: CitusDatabase, broker: Broker) -> None:
    """A dry run changes nothing; then every table is placed; then there is nothing to do."""
    assert db(citus.url(), broker, "upgrade").code == 0

    dry = db(citus.url(), broker, "distribute", "--dry-run")
    assert dry.code == 0, dry.errors
    assert "frame_blocks: would lie by lap_id: select create_distributed_table('frame_blocks', 'lap_id')" in dry.output
    assert placed(citus) == {}

    done = db(citus.url(), broker, "distribute", "--shards", "8")
    assert done.code == 0, done.errors
    assert f"{TABLES} tables are distributed on 3 nodes" in done.output
    assert placed(citus) | {"frame_blocks": "lap_id", "laps": "reference"} == placed(citus)
    assert len(placed(citus)) == TABLES
    shards = citus.execute(
        "select count(distinct shardid) from citus_shards where table_name = 'frame_blocks'::regclass"
    )
    assert shards[0][0] == 8

    again = db(citus.url(), broker, "distribute")
    assert (again.code, again.output.splitlines()[-1].partition(",")[0]) == (
        0,
        f"nothing to do: {TABLES} tables lie where they belong",
    )


@pytest.mark.citus
async def test_what_is_stored_already_goes_where_it_belongs(citus: CitusDatabase, broker: Broker) -> None:
    """Laps are moved with the tables, every frame is seen at every node, and nothing stays behind on the coordinator."""
    await asyncio.to_thread(db, citus.url(), broker, "upgrade")
    laps = await store_laps(citus.url())
    before = {lap.lap_id: await Stored(citus.url()).columns(lap.lap_id) for lap in laps}

    done = await asyncio.to_thread(db, citus.url(), broker, "distribute")
    assert done.code == 0, done.errors

    for node in citus.cluster.nodes:
        stored = Stored(citus.url(node))
        for lap in laps:
            assert await stored.columns(lap.lap_id) == before[lap.lap_id]
    assert await Stored(citus.url()).value("select pg_relation_size('frame_blocks')") == 0
    shares = await Stored(citus.url()).query(
        "select sum(shard_size) > 0 from citus_shards where table_name = 'frame_blocks'::regclass group by nodeport"
    )
    assert [share[0] for share in shares] == [True, True]


@pytest.mark.citus
async def test_laps_move_from_one_server_to_a_cluster_and_back(
    citus: CitusDatabase, database_url: str, broker: Broker
) -> None:
    """As docs/scaling.md says: a dump of the rows into a database that is there already, in either direction."""
    one = plain(database_url)
    laps = await store_laps(one)
    before = {lap.lap_id: await Stored(one).columns(lap.lap_id) for lap in laps}
    await asyncio.to_thread(citus.distribute)

    await asyncio.to_thread(move, one, citus.url())
    for lap in laps:
        assert await Stored(citus.url(citus.cluster.workers[0])).columns(lap.lap_id) == before[lap.lap_id]

    await Stored(one).query("delete from laps")
    await Stored(one).query("delete from track_sessions")
    await asyncio.to_thread(move, citus.url(), one)
    for lap in laps:
        assert await Stored(one).columns(lap.lap_id) == before[lap.lap_id]
        assert (await Stored(one).lap(lap.lap_id))["frame_count"] == lap.frames.num_rows


async def store_laps(url: str) -> list[Lap]:
    """Half a dozen laps, as a daemon would."""
    laps = new_laps(6)
    database = Database(create_async_engine(make_url(url).set(drivername="postgresql+asyncpg")))
    for lap in laps:
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(replace(received(lap), payload_sha256=str(lap.lap_id)))
    await database.close()
    return laps


def move(source: str, target: str) -> None:
    """The command of docs/scaling.md."""
    command = next(line for line in SCALING.read_text().splitlines() if line.strip().startswith("pg_dump --data-only"))
    subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={"SOURCE": source, "TARGET": target, "PATH": f"{postgres_bin_dir()}:{os.environ['PATH']}"},
        check=True,
    )


@pytest.mark.citus
@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [
        (["create table mine (lap uuid references laps (id))"], "the table mine refers to laps"),
        ([FUNCTION, TRIGGER], "the table laps has the trigger mine"),
        (["select create_reference_table('lock_slots')"], "the table lock_slots lies on every node"),
        (["delete from pg_dist_node where groupid = 0"], "does not know its own address"),
        ([NO_SHARDS], "there is no worker"),
    ],
)
def test_what_is_in_the_way_is_named(citus: CitusDatabase, broker: Broker, in_the_way: list[str], said: str) -> None:
    """Nothing is done, in part or whole, before the way is free."""
    db(citus.url(), broker, "upgrade")
    citus.execute(*in_the_way)
    before = placed(citus)

    done = db(citus.url(), broker, "distribute")

    assert done.code == 1
    assert said in done.errors
    assert placed(citus) == before


@pytest.mark.citus
def test_a_database_that_was_never_migrated_is_not_distributed(citus: CitusDatabase, broker: Broker) -> None:
    """First the schema, then its place."""
    done = db(citus.url(), broker, "distribute")
    assert done.code == 1
    assert "run `racing-coach db upgrade`" in done.errors


@pytest.mark.citus
def test_a_worker_names_the_coordinator(citus: CitusDatabase, broker: Broker) -> None:
    """For both: to distribute, and to migrate; a worker that has nothing to migrate is content."""
    coordinator, worker = citus.cluster.coordinator, citus.cluster.workers[0]
    db(citus.url(), broker, "upgrade")
    db(citus.url(), broker, "distribute")
    assert f"127.0.0.1:{coordinator.port}" in db(citus.url(worker), broker, "distribute").errors

    assert db(citus.url(worker), broker, "upgrade").code == 0
    citus.execute("update alembic_version set version_num = '0001'")
    done = db(citus.url(worker), broker, "upgrade")
    assert done.code == 1
    assert "racing-coach db upgrade" in done.errors
    assert f"127.0.0.1:{coordinator.port}" in done.errors


@pytest.mark.citus
def test_a_migration_of_a_distributed_database_reaches_every_node(citus: CitusDatabase, broker: Broker) -> None:
    """One revision back and forward again: what is new is placed, what is changed is so everywhere."""
    db(citus.url(), broker, "upgrade")
    db(citus.url(), broker, "distribute")
    for node in citus.cluster.nodes:
        assert _columns(citus, node) == _columns(citus)
    asyncio.run(_downgrade(citus.url(), "-1"))
    for node in citus.cluster.nodes:
        assert _revision(citus, node) != head_revision()

    assert db(citus.url(), broker, "upgrade").code == 0

    assert len(placed(citus)) == TABLES
    for node in citus.cluster.nodes:
        assert _revision(citus, node) == head_revision()
        assert _columns(citus, node) == _columns(citus)


async def _downgrade(url: str, revision: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await one_by_one(connection)
        await connection.run_sync(lambda sync: command.downgrade(with_connection(sync), revision))
    await engine.dispose()


def _columns(citus: CitusDatabase, node: CitusNode | None = None) -> list[tuple[str, str]]:
    rows = citus.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and table_name not like 'citus%' and table_name !~ '_[0-9]+$' order by 1, 2", node=node)  # fmt: skip
    return [(row[0], row[1]) for row in rows]


def _revision(citus: CitusDatabase, node: CitusNode) -> str:
    revision: str = citus.execute("select version_num from alembic_version", node=node)[0][0]
    return revision
