"""Migrations: to what this version needs, once, whoever starts when, and never to something else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.server.support import Stored, connected
from tests.servers import PostgresProcess
from tests.waiting import TIMEOUT_S

from racing_coach_core.channels import CHANNELS
from racing_coach_server.database import init_db, schema_lock
from racing_coach_server.database.init_db import current_revision, head_revision, upgrade, upgrade_database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.exceptions import MigrationError
from racing_coach_server.tables import metadata

TABLES = {
    *("track_sessions", "laps", "frame_blocks", "rejected_messages"),
    *("deleted_laps", "session_relabels", "backups"),
    *("track_maps", "lap_analyses", "chosen_references", "lap_comparisons", "coaching"),
    *("erasures", "lock_slots"),
}


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """Here every test begins with a database that was never migrated."""
    return empty_database_url


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_an_empty_database_is_brought_to_this_version(engine: AsyncEngine) -> None:
    """From nothing to the head revision, with every table."""
    assert await current_revision(engine) is None

    await upgrade(engine)

    assert await current_revision(engine) == head_revision()
    assert await tables(engine) == {*TABLES, "alembic_version"}


async def test_a_second_upgrade_changes_nothing(engine: AsyncEngine, stored: Stored) -> None:
    """What is there stays."""
    await upgrade(engine)
    await stored.query(
        "insert into rejected_messages (topic, reason, errors, payload, payload_sha256, received_at,"
        " last_received_at, times_received) values ('t', 'r', '[]', 'p', 's', now(), now(), 1)"
    )

    await upgrade(engine)

    assert await stored.value("select count(*) from rejected_messages") == 1


async def test_many_upgrades_at_once_are_one(database_url: str, stored: Stored) -> None:
    """Daemons that start together migrate one after another, and all of them succeed."""
    engines = [create_async_engine(database_url) for _ in range(6)]
    try:
        await asyncio.gather(*map(upgrade, engines))

        assert await current_revision(engines[0]) == head_revision()
    finally:
        await asyncio.gather(*(engine.dispose() for engine in engines))


def test_two_daemons_start_on_an_empty_database(broker: Broker, database_url: str) -> None:
    """The advisory lock holds across processes: both become ready, one of them migrates."""
    one, other = (DaemonProcess(broker, database_url) for _ in range(2))
    try:
        one.start(wait=False)
        other.start(wait=False)
        one.wait_until_ready()
        other.wait_until_ready()

        did = [len(daemon.logged("database schema upgraded")) for daemon in (one, other)]
        assert sorted(did) == [0, 1]
    finally:
        one.close()
        other.close()


async def test_the_models_are_what_the_migrations_make(engine: AsyncEngine) -> None:
    """Alembic finds no difference between the migrated database and the models: types, nulls, keys and indexes."""
    await upgrade(engine)

    def compare(connection: Connection) -> Any:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        return compare_metadata(context, metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_telemetry_has_every_channel_in_order(engine: AsyncEngine, stored: Stored) -> None:
    """Its columns are the channels, in the channels' order, then the identity."""
    await upgrade(engine)

    rows = await stored.query(
        "select column_name, data_type from information_schema.columns where table_name = 'telemetry'"
        " and table_schema = current_schema() order by ordinal_position"
    )

    assert [row[0] for row in rows] == [
        *(channel.name for channel in CHANNELS),
        *("track_session_id", "lap_id", "frame_index"),
    ]
    types = dict(rows)
    assert types["speed"] == "real"
    assert types["session_time"] == types["latitude"] == types["longitude"] == "double precision"
    assert types["timestamp"] == "timestamp with time zone"


async def test_frames_are_compressed_with_lz4_or_not_at_all(engine: AsyncEngine, stored: Stored) -> None:
    """Whichever the server has."""
    await upgrade(engine)

    has_lz4 = await stored.value(
        "select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'"
    )
    columns = await stored.query(
        "select attstorage, attcompression from pg_attribute where attrelid = 'frame_blocks'::regclass and attnum > 3"
    )

    assert len(columns) == len(CHANNELS)
    assert {(row[0], row[1]) for row in columns} == {(b"x", b"l") if has_lz4 else (b"e", b"\0")}


async def test_a_downgrade_takes_everything_away_and_an_upgrade_brings_it_back(engine: AsyncEngine) -> None:
    """Down to nothing, and up again."""

    def downgrade(connection: Connection) -> None:
        config = init_db._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.run_sync(downgrade)
    assert await tables(engine) == {"alembic_version"}

    await upgrade(engine)
    assert await current_revision(engine) == head_revision()


async def test_an_upgrade_that_fails_leaves_nothing_behind(engine: AsyncEngine) -> None:
    """All migrations are one transaction: a table in the way, and none of ours is there."""
    async with engine.begin() as connection:
        await connection.execute(text("create table telemetry (mine int)"))

    with pytest.raises(DBAPIError, match="already exists"):
        await upgrade(engine)

    assert await tables(engine) == {"telemetry"}


async def _come_from_the_future(engine: AsyncEngine) -> None:
    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))


async def test_a_database_of_a_later_version_is_left_alone(engine: AsyncEngine) -> None:
    """A revision that this version does not know: an error that says what to do, and nothing is changed."""
    await _come_from_the_future(engine)

    with pytest.raises(MigrationError, match=r"at revision '9999'.*install the version that migrated it"):
        await upgrade(engine)

    assert await tables(engine) == {*TABLES, "alembic_version"}


async def test_the_daemon_ends_with_that_advice(engine: AsyncEngine, broker: Broker, database_url: str) -> None:
    """`serve` does not run on a schema that it does not know: the advice in its log, exit code 78, never ready."""
    await _come_from_the_future(engine)
    daemon = DaemonProcess(broker, database_url).start(wait=False)
    try:
        assert daemon.wait() == 78

        assert "install the version that migrated it" in daemon.logged("stopped for good")[-1]["reason"]
        assert not daemon.is_ready
    finally:
        daemon.close()


def test_the_command_upgrades_and_says_so(database_url: str) -> None:
    """`racing-coach db upgrade`: to this version, with the revision on standard output."""
    result = subprocess.run(
        [Path(sys.executable).with_name("racing-coach"), "db", "upgrade"],
        env={**os.environ, "RACING_COACH_DATABASE__URL": database_url},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert f"the database is at revision {head_revision()}" in result.stdout


async def test_a_migration_may_take_longer_than_a_statement(
    database_url: str, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    """The limit for a lap's statements would cancel it, and the next try as well."""
    wait_s, limit_s = 2.0, 0.5
    settings = DatabaseSettings(url=SecretStr(plain(database_url)), command_timeout_s=limit_s)

    def slowly(connection: Connection) -> None:
        connection.execute(text("select pg_sleep(:s)"), {"s": wait_s})
        command.upgrade(with_connection(connection), "head")

    monkeypatch.setattr(init_db, "_upgrade", slowly)

    assert await upgrade_database(settings) == head_revision()


async def test_a_migration_ends_when_the_server_is_gone(
    postgres_process: PostgresProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a limit for its statements it would wait for ever on a server that says nothing more."""
    monkeypatch.setattr(init_db, "_ASK_S", 0.1)
    settings = DatabaseSettings(
        url=SecretStr(plain(postgres_process.url)), command_timeout_s=0.5, connect_timeout_s=0.5
    )

    def freeze(connection: Connection) -> None:
        postgres_process.freeze()
        connection.execute(text("select 1"))

    monkeypatch.setattr(init_db, "_upgrade", freeze)
    try:
        async with asyncio.timeout(TIMEOUT_S):  # around it: the time-out that is expected is the migration's own
            with pytest.raises(TimeoutError):
                await upgrade_database(settings)
    finally:
        postgres_process.thaw()


async def test_a_migration_does_not_queue_behind_a_reader_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    """It gives up after a while, and is tried again: whoever comes after it would wait behind it."""
    await upgrade_database(DatabaseSettings(url=SecretStr(plain(database_url))))
    monkeypatch.setattr(schema_lock, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(init_db, "_upgrade", lambda connection: connection.execute(text("lock table laps")))

    async with connected(stored.url) as reader, reader.transaction():
        await reader.execute("select * from laps")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await upgrade_database(DatabaseSettings(url=SecretStr(plain(database_url))))


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def with_connection(connection: Connection) -> Config:
    config = init_db._config()
    config.attributes["connection"] = connection
    return config


async def test_a_migration_does_not_keep_to_the_servers_limit_for_statements(
    database_url: str, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    """A limit that the database or the role has is for laps' statements; a migration may take longer."""
    name = make_url(stored.url).database
    await stored.query(f"alter database {name} set statement_timeout = '300ms'")

    def slowly(connection: Connection) -> None:
        connection.execute(text("select pg_sleep(1)"))
        command.upgrade(with_connection(connection), "head")

    monkeypatch.setattr(init_db, "_upgrade", slowly)

    assert await upgrade_database(DatabaseSettings(url=SecretStr(plain(database_url)))) == head_revision()
