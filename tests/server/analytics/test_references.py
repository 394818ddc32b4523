"""With which lap a lap is compared, and which laps are its driver's history; in a real database."""

from dataclasses import replace
from uuid import UUID

import pytest
from tests.server.analytics.rows import Drive, analysed
from tests.server.support import Stored

from racing_coach_core.coaching import ReferenceRule
from racing_coach_server.analytics.comparison import references
from racing_coach_server.analytics.comparison.exceptions import NoReferenceError
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.database.engine import Database

MINE = Drive(lap_time=61.0, minute=10)


async def reference_of(database: Database, lap: LapAnalysisRecord) -> tuple[UUID, ReferenceRule] | None:
    async with database.transaction() as session:
        found = await ReferenceService(session).of(lap)
        return None if found is None else (found.analysis.lap_id, found.rule)


async def test_the_chosen_lap_comes_before_the_own_best_before_the_cars_best(database: Database) -> None:
    """Each only where there is none of those before it."""
    lap = await analysed(database, MINE)
    assert await reference_of(database, lap) is None
    others = await analysed(database, Drive(lap_time=58.0, driver="vera"))
    assert await reference_of(database, lap) == (others.lap_id, ReferenceRule.CAR_BEST)
    slow = await analysed(database, Drive(lap_time=62.0))
    assert await reference_of(database, lap) == (slow.lap_id, ReferenceRule.OWN_BEST)
    own = await analysed(database, Drive(lap_time=60.0, minute=1))
    assert await reference_of(database, lap) == (own.lap_id, ReferenceRule.OWN_BEST)
    async with database.transaction() as session:
        await ReferenceService(session).choose(slow.lap_id, "ines")
    assert await reference_of(database, lap) == (slow.lap_id, ReferenceRule.CHOSEN)
    async with database.transaction() as session:
        assert await ReferenceService(session).forget("ines") == 1
    assert await reference_of(database, lap) == (own.lap_id, ReferenceRule.OWN_BEST)


@pytest.mark.parametrize(
    "other",
    [
        {"is_wet": True},
        {"config": "Reverse"},
        {"track": "elsewhere"},
        {"car": "sim-kart"},
        {"is_reference": False},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_is_not_alike_is_no_reference(database: Database, other: dict[str, object]) -> None:
    """Neither as the driver's best nor as the car's, nor by choice, however fast."""
    lap = await analysed(database, MINE)
    for driver in ("ines", "vera"):
        fast = await analysed(database, replace(Drive(lap_time=50.0, driver=driver), **other))
        async with database.transaction() as session:
            if fast.is_reference:
                await ReferenceService(session).choose(fast.lap_id, "ines")
            else:
                with pytest.raises(NoReferenceError):
                    await ReferenceService(session).choose(fast.lap_id, "ines")

    assert await reference_of(database, lap) is None


async def test_the_wet_has_references_of_its_own(database: Database) -> None:
    """A lap in the wet is held against the wet, whatever was chosen in the dry."""
    dry = await analysed(database, Drive(lap_time=58.0))
    wet = await analysed(database, Drive(lap_time=66.0, is_wet=True))
    lap = await analysed(database, replace(MINE, lap_time=70.0, is_wet=True))
    async with database.transaction() as session:
        await ReferenceService(session).choose(dry.lap_id, "ines")

    assert await reference_of(database, lap) == (wet.lap_id, ReferenceRule.OWN_BEST)


async def test_what_is_driven_later_is_not_yet_the_own_best(database: Database) -> None:
    """A lap that is analysed late is compared with what its driver had done by then."""
    lap = await analysed(database, MINE)
    before = await analysed(database, Drive(lap_time=60.0, minute=9))
    await analysed(database, Drive(lap_time=55.0, minute=11))

    assert await reference_of(database, lap) == (before.lap_id, ReferenceRule.OWN_BEST)


async def test_a_driver_on_two_rigs_has_one_history(database: Database) -> None:
    """The driver's laps are the driver's, whatever rig sent them; the latest comes first."""
    first = await analysed(database, Drive(rig="rig-1", minute=1))
    second = await analysed(database, Drive(rig="rig-2", minute=2))
    await analysed(database, Drive(rig="rig-1", driver="vera", minute=3))
    lap = await analysed(database, replace(MINE, rig="rig-3"))

    assert await history(database, lap) == [second.lap_id, first.lap_id]
    assert await reference_of(database, lap) == (first.lap_id, ReferenceRule.OWN_BEST)


async def test_without_a_driver_the_rig_is_one(database: Database) -> None:
    """Laps of another rig without a driver are another driver's."""
    mine = await analysed(database, Drive(driver=None, rig="rig-1"))
    others = await analysed(database, Drive(lap_time=50.0, driver=None, rig="rig-2"))
    lap = await analysed(database, replace(MINE, driver=None, rig="rig-1"))

    assert (lap.driver, others.driver) == ("rig-1", "rig-2")
    assert await history(database, lap) == [mine.lap_id]
    assert await reference_of(database, lap) == (mine.lap_id, ReferenceRule.OWN_BEST)


@pytest.mark.parametrize("tried", [1, 2, 3, 200])
async def test_a_lap_of_long_ago_has_the_best_that_was_there(
    database: Database, stored: Stored, monkeypatch: pytest.MonkeyPatch, tried: int
) -> None:
    """However many better ones came later; and none, if none was there."""
    monkeypatch.setattr(references, "_TRIED", tried)
    was_there = await analysed(database, Drive(lap_time=59.0, driver="vera"))
    await analysed(database, Drive(lap_time=60.0, driver="vera"))
    later = [await analysed(database, Drive(lap_time=seconds, driver="vera")) for seconds in (55.0, 56.0)]
    lap = await analysed(database, MINE)
    for one in later:
        await stored.query("update laps set received_at = received_at + interval '1 h' where id = $1", one.lap_id)

    assert await reference_of(database, lap) == (was_there.lap_id, ReferenceRule.CAR_BEST)

    await stored.query("update laps set received_at = received_at + interval '1 h' where id <> $1", lap.lap_id)
    assert await reference_of(database, lap) is None


async def history(database: Database, lap: LapAnalysisRecord) -> list[UUID]:
    async with database.transaction() as session:
        return [one.lap_id for one in await LapAnalysisService(session).before(lap, limit=20)]
