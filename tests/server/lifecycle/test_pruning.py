"""Old laps go, by command or by the daemon itself; what a driver chose stays."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.server.analytics.rows import Drive
from tests.server.commands.stints import racing_coach, told
from tests.server.conftest import RunApp
from tests.server.lifecycle.support import coached, rows
from tests.server.support import Stored
from tests.waiting import eventually

from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.database.engine import Database

YEAR = timedelta(days=365)


async def aged(database: Database, stored: Stored, *ages: timedelta) -> list[str]:
    """A driver's laps, received so long ago."""
    ids = []
    for number, age in enumerate(ages):
        lap = await coached(database, Drive(lap_time=60 + number, minute=number))
        await stored.query("update laps set received_at = $2 where id = $1", lap.lap_id, datetime.now(UTC) - age)
        ids.append(str(lap.lap_id))
    return ids


async def test_old_laps_go_and_the_others_stay(database: Database, database_url: str, stored: Stored) -> None:
    """A dry run deletes nothing, the real one what it said; a second one finds nothing."""
    _, young = await aged(database, stored, 2 * YEAR, timedelta(days=10))
    dry = await asyncio.to_thread(racing_coach, database_url, "db", "prune", "--older-than", "365d", "--dry-run")
    assert dry.code == 0
    assert dry.output.startswith("1 lap of 4 frames would be deleted, the first of ")
    assert (await rows(stored))["laps"] == 2
    for expected in ("1 lap of 4 frames deleted", "0 laps of 0 frames deleted"):
        done = await asyncio.to_thread(racing_coach, database_url, "db", "prune", "--older-than", "365d")
        assert (done.code, done.output.startswith(expected)) == (0, True), done
    assert [str(row["id"]) for row in await stored.query("select id from laps")] == [young]
    # It was compared with the old one, by its words: those stay.
    assert (await rows(stored))["coaching"] == 1
    assert await stored.value("select rule = 'own_best' and reference_lap_id is null from lap_comparisons")


async def test_what_a_driver_chose_stays(database: Database, database_url: str, stored: Stored) -> None:
    """A chosen reference is as old as its driver likes, and is told."""
    (old,) = await aged(database, stored, 2 * YEAR)
    async with database.transaction() as session:
        await ReferenceService(session).choose(await stored.value("select id from laps"), "ines")
    done = await asyncio.to_thread(racing_coach, database_url, "db", "prune", "--older-than", "52w")
    assert "1 lap kept, since drivers chose them for reference" in done.output
    assert str(await stored.value("select id from laps")) == old


def test_an_age_that_is_none_is_said(database_url: str) -> None:
    """One sentence that shows how it is written."""
    assert "365d, 12w or 48h" in told(racing_coach(database_url, "db", "prune", "--older-than", "a year"))


async def test_the_daemon_deletes_old_laps_where_it_is_told_to(
    database: Database, stored: Stored, run_app: RunApp
) -> None:
    """Without the setting it keeps everything; with it, what is older goes, while it runs too."""
    old, young = await aged(database, stored, 2 * YEAR, timedelta(days=10))
    async with run_app(coaching={"enabled": False}, retention={"interval_s": 0.05}):
        await asyncio.sleep(0.5)
        assert (await rows(stored))["laps"] == 2
    async with run_app(coaching={"enabled": False}, retention={"interval_s": 0.05, "keep_days": 365}):
        await eventually(lambda: _only(stored, young))
        await stored.query("update laps set received_at = $1", datetime.now(UTC) - 2 * YEAR)
        await eventually(lambda: _only(stored))
    assert old != young


async def _only(stored: Stored, *ids: str) -> bool:
    return [str(row["id"]) for row in await stored.query("select id from laps")] == [*ids]
