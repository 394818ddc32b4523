"""A deleted lap takes with it all that was made of it, and nothing else."""

import asyncio

import pytest
from tests.server.analytics.rows import Drive
from tests.server.lifecycle.support import coached, features, rows
from tests.server.support import Stored
from tests.waiting import eventually

from racing_coach_server.analytics.comparison.followers import LapComparer
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.followers import LapAnalyser
from racing_coach_server.coaching.followers import LapCoach
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import Fault, fault_of
from racing_coach_server.following.locks import lock, try_lock
from racing_coach_server.kept import Dependents
from racing_coach_server.lifecycle.deletion import LapDeletion
from racing_coach_server.telemetry.reading import StoredLaps


async def test_a_lap_goes_with_all_that_was_made_of_it(database: Database, stored: Stored) -> None:
    """Frames, analysis, comparison, coaching, a choice of it, and its session, since nothing else was driven in it."""
    lap = await coached(database, Drive())
    other = await coached(database, Drive(driver="mika", track="elsewhere"))
    async with database.transaction() as session:
        await ReferenceService(session).choose(lap.lap_id, "ines")
    async with database.transaction() as session:
        gone = await LapDeletion(session, features()).delete([lap.lap_id])
    assert gone == {
        "coaching": 1,
        "comparisons": 1,
        "references": 1,
        "analyses": 1,
        "frames": 4,
        "laps": 1,
        "sessions": 1,
    }
    assert await rows(stored) == {
        "coaching": 1,
        "lap_comparisons": 1,
        "chosen_references": 0,
        "lap_analyses": 1,
        "telemetry": 4,
        "laps": 1,
        "track_sessions": 1,
    }
    assert await stored.value("select id from laps") == other.lap_id


async def test_a_lap_that_is_not_there_is_passed_over(database: Database, stored: Stored) -> None:
    """Deleting twice is deleting once."""
    lap = await coached(database, Drive())
    for expected in (1, 0):
        async with database.transaction() as session:
            assert (await LapDeletion(session, features()).delete([lap.lap_id]))["laps"] == expected
    assert set((await rows(stored)).values()) == {0}


async def test_laps_that_were_compared_with_it_are_compared_anew(database: Database, stored: Stored) -> None:
    """What was said of them by the deleted lap is forgotten, and followers find them to be done, also after a first look."""
    best = await coached(database, Drive(lap_time=58))
    later = await coached(database, Drive(lap_time=61, minute=2))
    assert await stored.value("select count(*) from lap_comparisons where reference_lap_id = $1", best.lap_id) == 1
    async with database.transaction() as session:
        gone = await LapDeletion(session, features()).delete([best.lap_id])
    assert gone["comparisons of other laps"] == 1
    assert gone["coaching"] == 2
    async with database.transaction() as session:
        assert [one.lap_id for one in await ComparisonService(session).pending(10)] == [later.lap_id]
        assert await stored.value("select created_at > $1 from lap_analyses", later.created_at)
    assert await stored.value("select count(*) from coaching where message::text like $1", f"%{best.lap_id}%") == 0


async def test_what_was_said_may_stay(database: Database, stored: Stored) -> None:
    """Kept, a comparison has no reference any more, and nothing is to be done."""
    best = await coached(database, Drive(lap_time=58))
    await coached(database, Drive(lap_time=61, minute=2))
    async with database.transaction() as session:
        await LapDeletion(session, features()).delete([best.lap_id], Dependents.KEEP)
    async with database.transaction() as session:
        assert await ComparisonService(session).pending(10) == []
        assert await CoachingService(session).pending(10) == []
    assert await stored.value("select reference_lap_id is null and rule = 'own_best' from lap_comparisons")


async def test_it_waits_for_who_compares_with_the_lap(database: Database, stored: Stored) -> None:
    """A comparison under way is committed first, and then goes with the lap: none is left that names it."""
    best = await coached(database, Drive(lap_time=58))
    later = await coached(database, Drive(lap_time=61, minute=2))
    async with database.transaction() as comparing:
        assert await StoredLaps(comparing).hold(best.lap_id)
        deleting = asyncio.create_task(_delete(database, best.lap_id))
        await eventually(lambda: _waits(stored))
        values = {"status": "done", "reference_lap_id": best.lap_id, "rule": "own_best"}
        await ComparisonService(comparing).keep(later, values)
    await deleting
    assert await stored.value("select count(*) from lap_comparisons") == 0


async def test_it_takes_no_lock_that_a_lap_done_anew_will_ask_for(database: Database, stored: Stored) -> None:
    """`analyze` takes a lap's locks one after the other: the deletion that waits for the first has none of the others."""
    lap = await coached(database, Drive())
    first, *others = (LapAnalyser.name, LapComparer.name, LapCoach.name)
    async with database.transaction() as session:
        await lock(session, first, str(lap.lap_id))
        deleting = asyncio.create_task(_delete(database, lap.lap_id))
        await eventually(lambda: _waits(stored))
        for follower in others:
            assert await try_lock(session, follower, str(lap.lap_id))
    await deleting
    assert set((await rows(stored)).values()) == {0}


async def test_a_row_whose_lap_was_deleted_meanwhile_is_tried_again(database: Database) -> None:
    """A follower that was too late, or a lap in a session that just went, is no fault of its sender."""
    lap = await coached(database, Drive())
    async with database.transaction() as session:
        await LapDeletion(session, features()).delete([lap.lap_id])
    with pytest.raises(Exception, match="lap_comparisons") as caught:
        async with database.transaction() as session:
            await ComparisonService(session).keep(lap, {"status": "without_reference"})
    assert fault_of(caught.value) is Fault.WORLD


async def _delete(database: Database, lap_id: object) -> None:
    async with database.transaction() as session:
        await LapDeletion(session, features()).delete([lap_id])  # type: ignore[list-item]


async def _waits(stored: Stored) -> bool:
    return bool(
        await stored.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
    )
