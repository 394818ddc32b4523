"""`racing-coach backup` and `racing-coach restore`: what is restored is what was backed up, or nothing is."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from tests.databases import Databases
from tests.in_process import Done, run_here
from tests.server.commands.stints import environment, store, store_now
from tests.server.support import Stored, connected, new_laps

from racing_coach_server.backup.manifest import Manifest
from racing_coach_server.backup.programs import find_program
from racing_coach_server.database.init_db import head_revision
from racing_coach_server.main import main

EVERYTHING = """
    select l.id, l.content_sha256, l.created_at, l.driver, s.track_name,
        (select md5(string_agg(t::text, '|' order by frame_index)) from telemetry t where t.lap_id = l.id) as frames
    from laps l join track_sessions s on s.id = l.track_session_id order by l.id
"""


def run(url: str, *words: object, **settings: str) -> Done:
    """`racing-coach WORDS`; the embedded server's own programs fit every server of these tests."""
    ours = {"PATH": "/nowhere", **settings}
    return run_here(main, *map(str, words), environment=environment(url) | ours, cwd=Path.cwd())


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    """A database with four laps; in the columnstore, where there is one."""
    with databases.migrated() as url:
        store_now(url, new_laps(4))
        asyncio.run(to_columnstore(url))
        yield url


async def to_columnstore(url: str) -> None:
    stored = Stored(url)
    if await stored.query("select from pg_extension where extname = 'timescaledb'"):
        tables = await stored.query("select hypertable_name from timescaledb_information.hypertables")
        for table in tables:
            await stored.query("select compress_chunk(chunk) from show_chunks($1::regclass) chunk", table[0])


@pytest.fixture(scope="module")
def folder(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    made = tmp_path_factory.mktemp("backup") / "monday"
    done = run(url, "backup", made)
    assert done.code == 0, done
    assert "4 laps" in done.errors
    return made


async def test_what_is_restored_is_what_was_backed_up(url: str, folder: Path, empty_database_url: str) -> None:
    """Every row to the bit, the schema too, into a database that was never migrated; and each lap was looked at."""
    done = run(empty_database_url, "restore", folder)
    assert done.code == 0, done
    assert "every lap is what it was when it came" in done.errors
    assert await Stored(empty_database_url).query(EVERYTHING) == await Stored(url).query(EVERYTHING)
    assert await Stored(empty_database_url).value("select version_num from alembic_version") == head_revision()
    await store(empty_database_url, new_laps(1))
    assert (await Stored(empty_database_url).counts())[1] == 5


async def test_how_frames_are_compressed_is_the_servers(url: str, folder: Path, empty_database_url: str) -> None:
    """A backup says nothing of it, so that any server takes it; later laps are stored as the migrations have it."""
    program = find_program("pg_restore", 18, None)
    schema = subprocess.run(
        [program, "--schema-only", "--file=-", folder / "database"], capture_output=True, text=True, check=True
    ).stdout
    assert "SET COMPRESSION" not in schema
    assert await asyncio.to_thread(run, empty_database_url, "restore", folder)
    of_arrays = (
        "select attname, attstorage, attcompression from pg_attribute"
        " where attrelid = 'frame_blocks'::regclass and attndims > 0 order by attname"
    )
    here, there = [await Stored(each).query(of_arrays) for each in (url, empty_database_url)]
    assert here
    assert here == there


async def test_a_database_that_was_only_started_once_will_do(folder: Path, database_url: str) -> None:
    """Empty tables of ours make way."""
    assert run(database_url, "restore", folder).code == 0
    assert (await Stored(database_url).counts())[1] == 4


async def test_nothing_is_there_twice(folder: Path, database_url: str) -> None:
    """A second restore, or one beside laps, is refused and changes nothing; --verify-only looks at what is there."""
    assert run(database_url, "restore", folder).code == 0
    before = await Stored(database_url).counts()
    again = run(database_url, "restore", folder)
    assert again.code == 1
    assert "the database holds" in again.errors
    assert await Stored(database_url).counts() == before
    looked = run(database_url, "restore", folder, "--verify-only")
    assert looked.code == 0
    assert "every lap is what it was" in looked.errors


async def test_what_was_damaged_is_named(folder: Path, database_url: str) -> None:
    """A frame that is another, a block that is gone and one that is short: each lap by its id, with exit code 1."""
    assert run(database_url, "restore", folder).code == 0
    stored = Stored(database_url)
    lap_ids = [row["id"] for row in await stored.query("select id from laps order by id")]
    await stored.query("update frame_blocks set speed[7] = speed[7] + 1 where lap_id = $1", lap_ids[0])
    await stored.query("delete from frame_blocks where lap_id = $1 and first_frame > 0", lap_ids[1])
    await stored.query("update frame_blocks set speed = speed[2:] where lap_id = $1", lap_ids[2])
    done = run(database_url, "restore", folder, "--verify-only")
    assert done.code == 1
    damaged = [line for line in done.errors.splitlines() if line.startswith("damaged")]
    assert [str(lap_id) in line for lap_id, line in zip(lap_ids, damaged, strict=False)] == [True] * 3
    assert "3 of 4 laps" in done.errors


async def test_a_daemon_is_kept_away(folder: Path, database_url: str) -> None:
    """Who is at work is named, with what to do."""
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    daemon = await asyncpg.connect(plain, server_settings={"application_name": "racing-coach pit-wall 0.1.0"})
    try:
        done = await asyncio.to_thread(run, database_url, "restore", folder)
        assert "racing-coach pit-wall 0.1.0 works with this database: stop it first" in done.errors
    finally:
        await daemon.close()


def test_a_folder_is_for_one_backup(url: str, folder: Path, tmp_path: Path) -> None:
    """What is there already, is unfinished, or is none, is said; an unfinished one is made anew."""
    assert "is not empty" in run(url, "backup", folder).errors
    assert "has no backup.json" in run(url, "restore", tmp_path).errors
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "unfinished").touch()
    (begun / "database").mkdir()
    (begun / "database" / "toc.dat").touch()
    assert "was begun and not finished" in run(url, "restore", begun).errors
    assert run(url, "backup", begun).code == 0
    assert {one.name for one in begun.iterdir()} == {"backup.json", "database"}
    assert Manifest.model_validate_json((begun / "backup.json").read_bytes()).laps == 4


def test_a_copy_that_is_not_ours_to_read_says_so(
    url: str, folder: Path, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of pg_restore's word that it is no archive; and so does one of which a part was not copied."""
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "toc.dat")  # root may read everything
    assert "may not be read by this user" in run(empty_database_url, "restore", folder).errors
    monkeypatch.undo()
    shutil.copy(folder / "backup.json", tmp_path)
    assert "has no folder 'database'" in run(empty_database_url, "restore", tmp_path).errors


def test_a_backup_of_a_later_version_is_refused(folder: Path, database_url: str, tmp_path: Path) -> None:
    """As is one whose format is not known."""
    document = json.loads((folder / "backup.json").read_text())
    for changed, said in (
        ({"revision": "9999"}, "of a later version"),
        ({"format": 2}, "not one that this version knows"),
    ):
        (tmp_path / "backup.json").write_text(json.dumps(document | changed))
        assert said in run(database_url, "restore", tmp_path).errors


@pytest.mark.parametrize("version", ["9", "none"])
def test_programs_that_do_not_fit_are_not_used(url: str, tmp_path: Path, version: str) -> None:
    """An older pg_dump than the server, or none where the settings say it is: what is needed, and how to get it."""
    if version != "none":
        (tmp_path / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.6.24'\n")
        (tmp_path / "pg_dump").chmod(0o755)
    done = run(url, "backup", tmp_path / "new", RACING_COACH_BACKUP__PROGRAMS=str(tmp_path))
    assert done.code == 1
    assert "or newer is needed" in done.errors
    assert ("(9)" in done.errors) == (version == "9")
    assert "RACING_COACH_BACKUP__PROGRAMS" in done.errors
    assert not (tmp_path / "new" / "backup.json").exists()


async def test_the_daemon_goes_on_meanwhile(url: str, tmp_path: Path) -> None:
    """A backup is of one moment: a lap that comes later is not in it, nor half of it."""
    done = run(url, "backup", tmp_path / "one")
    assert done.code == 0
    assert await Stored(url).value("select count(*) from backups") >= 1
    manifest = Manifest.model_validate_json((tmp_path / "one" / "backup.json").read_bytes())
    assert (manifest.laps, manifest.frames) == (await Stored(url).counts())[1:]


async def test_a_restore_that_is_killed_leaves_nothing(folder: Path, empty_database_url: str) -> None:
    """kill -9 of both in the middle of it: no row of it is there, and the next one restores all of it, once."""
    program = Path(sys.executable).with_name("racing-coach")
    settings = environment(empty_database_url) | {"PATH": "/nowhere"}
    async with connected(empty_database_url) as beside:
        # Somebody in the way holds it up in the middle of its transaction: it creates this type, and waits.
        await beside.execute("begin; create table frame_blocks (mine int)")
        process = subprocess.Popen([program, "restore", folder], env=settings, start_new_session=True)
        await _until_it_waits(empty_database_url)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        await beside.execute("rollback")
    assert await Stored(empty_database_url).value("select to_regclass('laps')") is None

    deadline = time.monotonic() + 60
    while (done := run(empty_database_url, "restore", folder)).code and time.monotonic() < deadline:
        assert "works with this database" in done.errors or "is being changed" in done.errors, done
        await asyncio.sleep(0.2)
    assert done.code == 0, done
    assert (await Stored(empty_database_url).counts())[1] == 4


async def _until_it_waits(url: str) -> None:
    waits = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name = 'racing-coach restore' and wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 60
    while not await Stored(url).value(waits):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
