"""What is asked for every lap, and every minute, does not go through all that is stored."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.databases import Databases
from tests.plans import explained, nodes, recorded
from tests.server.support import Stored, connected

from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import Combination
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.database.engine import Database
from racing_coach_server.following.frontier import Frontier

LAPS = 100_000 if os.environ.get("CI") else 50_000
MOST_PAGES = LAPS // 250
"""That a statement may look at; what has a row a lap, table or index, has more."""

SMALL = {"track_maps", "chosen_references"}
"""A row a track, a row a driver's choice: here PostgreSQL reads the few there are."""

FILL = f"""
insert into track_sessions (id, rig_id, track_id, track_name, car_id, car_name, track_type)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'rig-' || n % 50, 'track', '', 'car', '', ''
    from generate_series(1, 1000) n;
insert into laps (id, track_session_id, rig_id, lap_number, lap_time, is_valid, frame_count, payload_sha256,
        content_sha256, encoding, received_at, created_at, track_id, track_config_name, car_id, driver, driven_at)
    select gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad((1 + n % 1000)::text, 12, '0'))::uuid,
        'rig-' || n % 50, n, 80 + random(), true, 5000, repeat('a', 64), '', 'arrow', at, at,
        'track', '', 'car', 'rig-' || n % 50, at
    from generate_series(1, {LAPS}) n, lateral (select now() - n * interval '70 s' as at) stamps;
insert into track_maps (track_id, track_config_name, revision, source, corners, laps_used)
    select 'track-' || n, '', 1, 'found', '[]', 3 from generate_series(0, 19) n;
insert into lap_analyses (lap_id, version, status, track_id, track_config_name, car_id, driver, driven_at,
        lap_time, is_reference, is_wet, track_map_id, created_at)
    select id, 1, 'done', 'track-' || lap_number % 20, '', 'car-' || lap_number % 3, 'driver-' || lap_number % 300,
        received_at, lap_time, lap_number % 4 > 0, lap_number % 10 = 0, 1, created_at
    from laps;
insert into lap_comparisons (lap_id, version, status, analysed_at, created_at)
    select lap_id, 1, 'done', created_at, created_at from lap_analyses;
insert into coaching (lap_id, version, status, rig_id, compared_at, message, published_at, created_at)
    select lap_id, 1, 'done', 'rig', created_at, '{{}}', created_at, created_at from lap_comparisons;
analyze;
"""

type Ask = Callable[[AsyncSession, LapAnalysisRecord], Awaitable[object]]


async def again(service: Any, session: AsyncSession) -> object:
    """A catch-up's question, after a first one."""
    frontier = Frontier()
    await frontier.looked(session, [])
    return await service.pending(100, await frontier.window(session))


EVERY_LAP: dict[str, Ask] = {
    "is an analysis due": lambda session, lap: LapAnalysisService(session).is_due(lap.lap_id),
    "is a comparison due": lambda session, lap: ComparisonService(session).is_due(lap.lap_id),
    "is coaching due": lambda session, lap: CoachingService(session).is_due(lap.lap_id),
    "the reference": lambda session, lap: ReferenceService(session).of(lap),
    "the history": lambda session, lap: LapAnalysisService(session).before(lap, limit=20),
    "the fastest lap": lambda session, lap: LapAnalysisService(session).fastest(
        Combination(lap.track_id, lap.track_config_name, lap.car_id), besides=lap.lap_id
    ),
    "laps without a map": lambda session, lap: LapAnalysisService(session).without_map(
        Combination(lap.track_id, lap.track_config_name, lap.car_id), besides=lap.lap_id, limit=2
    ),
    "what was said": lambda session, lap: CoachingService(session).said([lap.lap_id]),
    "what is to be published of it": lambda session, lap: CoachingService(session).unpublished(lap.lap_id, "a cell"),
}
EVERY_MINUTE: dict[str, Ask] = {
    "laps to analyse": lambda session, _: again(LapAnalysisService(session), session),
    "laps to compare": lambda session, _: again(ComparisonService(session), session),
    "laps to speak of": lambda session, _: again(CoachingService(session), session),
    "what is to be published": lambda session, _: CoachingService(session).unsaid(100, "a cell"),
}


@pytest.fixture(scope="module")
def filled_url(databases: Databases) -> Iterator[str]:
    """A database with many laps, all of them done."""

    async def fill(url: str) -> None:
        async with connected(url) as connection:
            await connection.execute(FILL)

    with databases.migrated() as url:
        asyncio.run(fill(url))
        yield url


@pytest.mark.parametrize("question", EVERY_LAP | EVERY_MINUTE)
async def test_no_table_is_gone_through(filled_url: str, question: str) -> None:
    """Every statement finds what it needs by an index, on a few pages."""
    ask = (EVERY_LAP | EVERY_MINUTE)[question]
    engine = create_async_engine(filled_url)
    try:
        async with Database(engine).transaction() as session:
            newest = await Stored(filled_url).value("select lap_id from lap_analyses order by driven_at desc limit 1")
            lap = await session.get_one(LapAnalysisRecord, newest)
            asked = recorded(engine)
            await ask(session, lap)
            for statement, parameters in asked.copy():
                (plan,) = await explained(session, statement, parameters)
                scans = [node for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"]
                assert {node["Relation Name"] for node in scans} <= SMALL, statement
                pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
                assert pages < MOST_PAGES, (pages, statement)
        assert asked
    finally:
        await engine.dispose()


async def test_a_look_at_everything_finds_all_that_is_to_be_done(filled_url: str) -> None:
    """The first question after a start: nothing here, and a lap once its analysis is gone."""
    stored = Stored(filled_url)
    engine = create_async_engine(filled_url)
    try:
        async with Database(engine).transaction() as session:
            services = (LapAnalysisService(session), ComparisonService(session), CoachingService(session))
            assert [await service.pending(100) for service in services] == [[], [], []]
            assert [await service.behind() for service in services] == [0, 0, 0]
        oldest = await stored.value("select id from laps order by created_at limit 1")
        for table in ("coaching", "lap_comparisons", "lap_analyses"):
            await stored.query(f"delete from {table} where lap_id = $1", oldest)
        async with Database(engine).transaction() as session:
            assert [one.lap_id for one in await LapAnalysisService(session).pending(100)] == [oldest]
    finally:
        await engine.dispose()
