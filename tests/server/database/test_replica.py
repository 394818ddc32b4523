"""Those who only read use the read replica, say how far it is behind, and never write; writers never use it."""

import asyncio
from pathlib import Path

import pytest
from tests.in_process import Done, run_here
from tests.server.commands.stints import environment, stint, store
from tests.server.support import Stored, execute
from tests.servers import PostgresProcess
from tests.standby import StandbyProcess, even
from tests.waiting import eventually

from racing_coach_core.findings import Report, Verdict
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import is_read_only
from racing_coach_server.database.replica import Lag, lag_of
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.doctor.database import examine_replica
from racing_coach_server.main import main


def settings(url: str, read_url: str | None = None) -> Settings:
    return Settings(_env_file=None, database=DatabaseSettings(url=url, read_url=read_url))  # type: ignore[arg-type]  # secrets


def command(primary: PostgresProcess, standby: StandbyProcess, *words: object) -> Done:
    """`racing-coach WORDS` of who has a replica."""
    variables = environment(primary.url) | {"RACING_COACH_DATABASE__READ_URL": standby.url}
    return run_here(main, *map(str, words), environment=variables, cwd=Path.cwd())


async def test_readers_read_the_replica_and_say_what_it_lacks(
    primary: PostgresProcess, standby: StandbyProcess, tmp_path: Path
) -> None:
    """What was replayed is shown without a word; while it is not replayed, it is missing, and how old that is, is told."""
    first, second = stint(2)
    await store(primary.url, [first])
    await even(primary, standby)
    listed = await asyncio.to_thread(command, primary, standby, "laps", "list")
    assert (listed.code, listed.errors) == (0, ""), listed
    assert str(first.lap_id) in listed.output
    await execute(standby.url, "select pg_wal_replay_pause()")
    try:
        await store(primary.url, [second])
        await eventually(lambda: _lags(standby))
        late = await asyncio.to_thread(command, primary, standby, "laps", "list")
        assert str(second.lap_id) not in late.output
        assert "from the read replica, " in late.errors
        assert " s behind" in late.errors
        words = ("export", "--driver", second.session.driver_id, "-o", tmp_path)
        exported = await asyncio.to_thread(command, primary, standby, *words)
        assert "from the read replica, " in exported.errors
        assert not (tmp_path / "laps" / f"{second.lap_id}.json").exists()
    finally:
        await execute(standby.url, "select pg_wal_replay_resume()")
    await even(primary, standby)
    now = await asyncio.to_thread(command, primary, standby, "laps", "list")
    assert str(second.lap_id) in now.output


async def _lags(standby: StandbyProcess) -> bool:
    async with reading(standby.url) as database, database.transaction() as session:
        lag = await lag_of(session)
    return lag is not None and lag.is_worth_saying


class reading:  # noqa: N801 (a function in all but its ends)
    """A database that is only read, for the length of the block."""

    def __init__(self, url: str) -> None:
        self._database = Database(
            create_engine(settings(url).database, pool_size=1, application="test", is_read_only=True)
        )

    async def __aenter__(self) -> Database:
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def test_a_command_that_has_to_keep_something_does_it_at_the_primary(
    primary: PostgresProcess, standby: StandbyProcess
) -> None:
    """`laps analyze` makes what is missing, and that cannot be kept at a replica."""
    (lap,) = stint(1, seed=9)
    await store(primary.url, [lap])
    await even(primary, standby)
    done = await asyncio.to_thread(command, primary, standby, "laps", "analyze", lap.lap_id)
    assert "the corners of track" in done.errors, done
    kept = await Stored(primary.url).value("select count(*) from lap_analyses where lap_id = $1", lap.lap_id)
    assert kept == 1


async def test_writers_never_go_to_the_replica(primary: PostgresProcess, standby: StandbyProcess) -> None:
    """`db prune` deletes, where what it deletes can be deleted."""
    (lap,) = stint(1, seed=8)
    await store(primary.url, [lap])
    await Stored(primary.url).query(
        "update laps set received_at = now() - interval '9 years' where id = $1", lap.lap_id
    )
    done = await asyncio.to_thread(command, primary, standby, "db", "prune", "--older-than", "365w")
    assert (done.code, done.output.startswith("1 lap of ")) == (0, True), done


async def test_what_only_reads_cannot_write_where_there_is_no_replica_either(primary: PostgresProcess) -> None:
    """The server itself refuses."""
    with pytest.raises(Exception, match="read-only") as caught:
        async with reading(primary.url) as database, database.transaction() as session:
            await (await session.connection()).exec_driver_sql("delete from rejected_messages")
    assert is_read_only(caught.value)


async def test_the_doctor_says_what_the_replica_is(primary: PostgresProcess, standby: StandbyProcess) -> None:
    """A standby that is fed is well; another server is no replica; one that is not there is named."""
    await even(primary, standby)
    assert [one.verdict for one in await examined(primary.url, standby.url)] == [Verdict.GOOD]
    assert [one.verdict for one in await examined(primary.url, primary.url)] == [Verdict.ADVICE]
    (missing,) = await examined(primary.url, "postgresql://nobody@127.0.0.1:1/none")
    assert (missing.verdict, "READ_URL" in missing.remedy) == (Verdict.BAD, True)
    assert await examined(primary.url, None) == []


async def examined(url: str, read_url: str | None) -> list:
    report = Report()
    await examine_replica(settings(url, read_url), report)
    return [*report.findings]


async def test_a_replica_that_lost_its_primary_says_so(primary: PostgresProcess, standby: StandbyProcess) -> None:
    """It has replayed all that it was sent, and yet it is not up to date."""
    await even(primary, standby)
    await execute(standby.url, "alter system set primary_conninfo = 'host=127.0.0.1 port=1'")
    try:
        await execute(standby.url, "select pg_reload_conf()")
        await eventually(lambda: _is_lost(standby))
        (finding,) = await examined(primary.url, standby.url)
        assert finding.verdict is Verdict.BAD
        assert "its primary does not reach" in finding.found
    finally:
        await execute(standby.url, "alter system reset primary_conninfo")
        await execute(standby.url, "select pg_reload_conf()")


async def _is_lost(standby: StandbyProcess) -> bool:
    async with reading(standby.url) as database, database.transaction() as session:
        lag = await lag_of(session)
    return lag is not None and not lag.is_fed


async def test_a_replica_that_is_not_there_is_named(primary: PostgresProcess, standby: StandbyProcess) -> None:
    """A command that shows something says which of the two ways fails, and what to look at."""
    standby.stop()
    try:
        done = await asyncio.to_thread(command, primary, standby, "laps", "list")
    finally:
        standby.start()
    assert done.code == 1
    assert "connection refused" in done.errors
    assert "RACING_COACH_DATABASE__READ_URL" in done.errors


def test_how_far_it_is_behind_is_said_in_words() -> None:
    """Seconds, and whether its primary still sends."""
    from datetime import timedelta

    assert str(Lag(True, timedelta(seconds=3.21))) == "3.2 s behind"
    assert str(Lag(False, None)).startswith("which its primary does not reach")
