"""`analyze`: everything anew, in order, by one worker and by several, beside a daemon."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url
from tests.databases import Databases
from tests.server.commands.stints import BRAKES_EARLY, racing_coach, state, stint, store, told
from tests.server.support import SHORT_TRACK, Stored, connected

from racing_coach_analysis.corners import LAPS_FOR_MAP
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import DRIVERS
from racing_coach_server.commands.analyzing.pages import Pages
from racing_coach_server.commands.analyzing.work import Done, Outcome
from racing_coach_server.commands.analyzing.workers import Here
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database


def two_drivers() -> list[Lap]:
    """Laps of one who is steady, then has a habit, and of one who is slower, in turns on the same track."""
    tomas = DRIVERS["Tomas Velde"]
    return [
        *stint(4),
        *stint(3, driver=tomas, seed=2, after=timedelta(minutes=30)),
        *stint(7, BRAKES_EARLY, after=timedelta(hours=1))[4:],
    ]


async def test_laps_are_done_oldest_first_and_again_with_the_same_result(database_url: str) -> None:
    """Each lap has the reference that it had, whatever was driven since; nothing is published; what was, stays so."""
    laps = two_drivers()
    await store(database_url, laps)

    done = racing_coach(database_url, "analyze", "--all")
    first = await state(database_url)
    await Stored(database_url).query("update coaching set published_at = received_at from laps where id = lap_id")
    again = racing_coach(database_url, "analyze", "--all")
    second = await state(database_url)

    assert (done.code, again.code) == (0, 0)
    assert f"{len(laps)} of {len(laps)} laps done anew" in done.output
    times = {lap.lap_id: lap.lap_time for lap in laps}
    order = [row[0] for row in first]
    assert order == [lap.lap_id for lap in laps]
    for place, row in enumerate(first):
        assert row[1:3] == (1, "done")
        assert row[3] is not None
        assert row[9] is None
        reference = row[5]
        assert (reference is None) == (place == 0)
        assert reference is None or order.index(reference) < place
        if row[6] == "own_best":
            own = [lap.lap_id for lap in laps[:place] if lap.session.driver_id == laps[place].session.driver_id]
            assert reference == min(own, key=lambda lap_id: times[lap_id] or 999)
    assert [row[5:7] for row in second] == [row[5:7] for row in first]
    assert [row[:9] for row in second[LAPS_FOR_MAP:]] == [row[:9] for row in first[LAPS_FOR_MAP:]]
    assert all(row[9] is not None for row in second)


@pytest.fixture
def another_database_url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.mark.long  # two processes, and one result, are below as well
async def test_several_processes_come_to_the_same_result(database_url: str, another_database_url: str) -> None:
    """Two workers: the same corners, references and words as one, though laps are analysed at the same time."""
    laps = two_drivers()
    for url in (database_url, another_database_url):
        await store(url, laps)
        assert racing_coach(url, "analyze", "--all").code == 0
    alone = racing_coach(database_url, "analyze", "--all")
    together = racing_coach(another_database_url, "analyze", "--all", "--jobs", "2")

    assert (alone.code, together.code) == (0, 0), together
    assert await state(database_url) == await state(another_database_url)


async def test_several_processes_find_corners_as_one_does(database_url: str, another_database_url: str) -> None:
    """From nothing: a track's corners are found in its first laps, which are done one after another for that."""
    laps = stint(5)
    for url, jobs in ((database_url, 1), (another_database_url, 2)):
        await store(url, laps)
        done = racing_coach(url, "analyze", "--all", "--jobs", jobs)
        assert (done.code, done.errors) == (0, ""), done
        assert done.output.startswith("5 of 5 laps done anew; ")
    maps = "select corners, laps_used from track_maps"
    alone, together = await Stored(database_url).query(maps), await Stored(another_database_url).query(maps)

    assert list(map(tuple, alone)) == list(map(tuple, together))
    assert all(row[3] is not None for row in await state(another_database_url))


async def test_since_and_one_lap(database_url: str) -> None:
    """Only those that were received since then; only the one that is named."""
    laps = stint(4, track=SHORT_TRACK)
    await store(database_url, laps)
    received = await Stored(database_url).value("select received_at from laps where id = $1", laps[2].lap_id)

    assert "2 of 2 laps" in racing_coach(database_url, "analyze", "--since", received.isoformat()).output
    assert [row[1] for row in await state(database_url)] == [None, None, 1, 1]
    assert racing_coach(database_url, "analyze", "--lap", str(laps[0].lap_id)[:8]).code == 0
    assert [row[1] for row in await state(database_url)] == [1, None, 1, 1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "one of --all, --since and --lap"),
        (("--all", "--lap", "abcdef"), "one of --all, --since and --lap"),
        (("--since", "yesterday"), "is no time such as"),
        (("--lap", "abcdef"), "racing-coach laps list"),
    ],
)
def test_what_cannot_be_meant_is_said(database_url: str, words: tuple[str, ...], sentence: str) -> None:
    """One line, exit code 1."""
    assert sentence in told(racing_coach(database_url, "analyze", *words))


async def test_a_lap_that_fails_is_named_and_the_others_go_on(database_url: str) -> None:
    """Here the database refuses what is found in one lap; with one worker, and with two."""
    laps = stint(4, track=SHORT_TRACK)
    await store(database_url, laps)
    broken = laps[1].lap_id
    await Stored(database_url).query(
        f"alter table lap_analyses add constraint ck_not_this_one check (lap_id <> '{broken}')"
    )

    for jobs in (1, 2):
        done = racing_coach(database_url, "analyze", "--all", "--jobs", jobs)
        assert done.code == 1
        assert "4 of 4 laps done anew; 1 failed" in done.output
        assert f"failed {broken}: IntegrityError" in done.output
        assert "Traceback" not in done.output + done.errors
        assert [row[1] for row in await state(database_url)] == [1, None, 1, 1]
    assert str(broken) in told(racing_coach(database_url, "analyze", "--lap", broken))


async def test_it_waits_for_a_daemon_that_is_at_the_same_lap(database_url: str) -> None:
    """The lock is the one that followers take; who comes second finds it done, and does it anew."""
    (lap,) = stint(1, track=SHORT_TRACK)
    await store(database_url, [lap])
    async with connected(database_url) as daemon, daemon.transaction():
        await daemon.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"lap_analysis:{lap.lap_id}")
        command = asyncio.create_task(asyncio.to_thread(racing_coach, database_url, "analyze", "--all"), name="analyze")
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while await Stored(database_url).value(waiting) == 0:
            assert not command.done()
            await asyncio.sleep(0.05)
        assert (await state(database_url))[0][1] is None
    assert (await command).code == 0
    assert (await state(database_url))[0][1] == 1


def load_settings_of(url: str) -> Settings:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return Settings(_env_file=None, database={"url": plain})


async def test_page_by_page_every_lap_is_done_once(database: Database, database_url: str) -> None:
    """Also those that were received in the same moment, on either side of a page's end."""
    laps = stint(5, track=SHORT_TRACK)
    await store(database_url, laps)
    await Stored(database_url).query("update laps set received_at = '2026-05-01 12:00Z'")
    settings = load_settings_of(database_url)
    heard: list[Done] = []

    async with Here(settings) as worker:
        pages = Pages(database, since=None, until=datetime.now(UTC), size=2)
        tally = await pages.tally()
        await pages.do(worker, tally, heard.append, jobs=1)

    assert tally.total == tally.done == len(heard) == 5
    assert {done.lap_id for done in heard} == {lap.lap_id for lap in laps}
    assert {done.outcome for done in heard} == {Outcome.DONE}
    assert tally.goes_on is None


def test_a_database_that_is_not_there_is_one_clear_error() -> None:
    """With the setting to look at."""
    line = told(racing_coach("postgresql://nobody@127.0.0.1:1/none", "analyze", "--all", "--jobs", "2"))

    assert "RACING_COACH_DATABASE__URL" in line
    assert "Until then" not in line
