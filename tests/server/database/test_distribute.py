"""`racing-coach db distribute`: on a coordinator of Citus it lays the database over the nodes, elsewhere it says why not."""

from pathlib import Path

import pytest
from tests.citus import CitusDatabase, CitusNode
from tests.in_process import Done, run_here
from tests.infra import Broker
from tests.server.commands.test_commands import settings_of

from racing_coach_server.database.init_db import head_revision
from racing_coach_server.main import main

TABLES = 11
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
    assert "telemetry: would lie by lap_id: select create_distributed_table('telemetry', 'lap_id')" in dry.output
    assert placed(citus) == {}

    done = db(citus.url(), broker, "distribute", "--shards", "8")
    assert done.code == 0, done.errors
    assert f"{TABLES} tables are distributed on 3 nodes" in done.output
    assert placed(citus) | {"telemetry": "lap_id", "laps": "reference"} == placed(citus)
    assert len(placed(citus)) == TABLES
    shards = citus.execute("select count(distinct shardid) from citus_shards where table_name = 'telemetry'::regclass")
    assert shards[0][0] == 8

    again = db(citus.url(), broker, "distribute")
    assert (again.code, again.output.splitlines()[-1].partition(",")[0]) == (
        0,
        f"nothing to do: {TABLES} tables lie where they belong",
    )


@pytest.mark.citus
def test_what_is_stored_already_goes_where_it_belongs(citus: CitusDatabase, broker: Broker) -> None:
    """Rows are moved with the tables, and nothing of them stays behind on the coordinator."""
    db(citus.url(), broker, "upgrade")
    citus.execute(
        "insert into telemetry (timestamp, session_time, lap_number, lap_distance_pct, speed, throttle, brake,"
        " track_session_id, lap_id, frame_index) select now(), 0, 1, 0, 1, 0, 0, gen_random_uuid(), gen_random_uuid(), n"
        " from generate_series(1, 1000) n"
    )

    assert db(citus.url(), broker, "distribute").code == 0

    assert citus.execute("select count(*) from telemetry")[0][0] == 1000
    assert citus.execute("select pg_relation_size('telemetry')")[0][0] == 0
    shares = citus.execute("select sum(shard_size) > 0 from citus_shards where table_name = 'telemetry'::regclass"
                           " group by nodeport")  # fmt: skip
    assert [share[0] for share in shares] == [True, True]


@pytest.mark.citus
@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [
        (["create table mine (lap uuid references laps (id))"], "the table mine refers to laps"),
        ([FUNCTION, TRIGGER], "the table laps has the trigger mine"),
        (["select create_distributed_table('telemetry', 'track_session_id')"], "telemetry lies by track_session_id"),
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
    """It is taken back by one revision and forward again: what is new is placed, what is changed is so everywhere."""
    db(citus.url(), broker, "upgrade")
    db(citus.url(), broker, "distribute")
    citus.execute("drop table lock_slots", "alter table laps drop column cell",
                  "update alembic_version set version_num = '0002'")  # fmt: skip

    assert db(citus.url(), broker, "upgrade").code == 0

    assert len(placed(citus)) == TABLES
    for node in citus.cluster.nodes:
        assert _revision(citus, node) == head_revision()
        assert citus.execute("select count(cell) from laps", node=node)[0][0] == 0
        assert citus.execute("select count(*) from lock_slots", node=node)[0][0] == 64


def _revision(citus: CitusDatabase, node: CitusNode) -> str:
    revision: str = citus.execute("select version_num from alembic_version", node=node)[0][0]
    return revision
