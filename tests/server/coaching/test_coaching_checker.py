"""The checker of the coaching finds what it is there for."""

import uuid

import pytest
from sqlalchemy.engine import make_url
from tests.faults.coaching_checker import check_coaching, uncoached
from tests.server.analytics.rows import Drive, analysed

from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.database.engine import Database


@pytest.fixture
def url(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


async def spoken_of(database: Database) -> tuple[uuid.UUID, float]:
    """A lap with which all is well, and when it was stored."""
    lap = await analysed(database, Drive())
    async with database.transaction() as session:
        comparison = await ComparisonService(session).keep(lap, {"status": "without_reference"})
        await CoachingService(session).keep(comparison, {"status": "done", "rig_id": "rig-1", "message": {}})
    return lap.lap_id, comparison.created_at.timestamp()


async def test_a_lap_that_a_follower_left_out_or_failed_on_is_found(database: Database, url: str) -> None:
    """By each of the tables; nothing where all is well."""
    await spoken_of(database)
    assert await uncoached(url) == 0
    assert await check_coaching(url, [], []) == []

    left_out = await analysed(database, Drive())
    assert await uncoached(url) == 1
    assert await check_coaching(url, [], []) == [
        f"1 laps without {table}: {left_out.lap_id}" for table in ("lap_comparisons", "coaching")
    ]
    async with database.transaction() as session:
        failed = await ComparisonService(session).keep(left_out, {"status": "failed", "detail": "a bug"})
        await CoachingService(session).keep(failed, {"status": "done", "rig_id": "rig-1"})
    assert await check_coaching(url, [], []) == [f"1 failed lap_comparisons: {left_out.lap_id}"]


async def test_a_word_that_is_said_twice_needs_a_new_connection_in_between(database: Database, url: str) -> None:
    """A connection from before the lap was stored, or after the last word, is no reason."""
    lap_id, stored_at = await spoken_of(database)
    twice = [(lap_id, stored_at + 1), (lap_id, stored_at + 3)]

    assert await check_coaching(url, twice[:1], []) == []
    assert await check_coaching(url, twice, [stored_at + 2]) == []
    for connects in ([], [stored_at - 2], [stored_at + 4]):
        assert await check_coaching(url, twice, connects) == [f"1 laps spoken of twice on one connection: {lap_id}"]
