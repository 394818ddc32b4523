"""However many laps are stored, no page of a list goes through all of them."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.databases import Databases
from tests.plans import explained, nodes, recorded
from tests.server.support import connected
from tests.server.telemetry.search.filling import FILL

from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort
from racing_coach_server.telemetry.search.service import LapSearch

LAPS = 20_000

NOW = datetime.now(UTC)
FILTERS = {
    "any": LapFilter(),
    "track": LapFilter(track_id="track-1"),
    "track and configuration": LapFilter(track_id="track-0", track_config_name="config-1"),
    "car": LapFilter(car_id="car-3"),
    "track and car": LapFilter(track_id="track-0", car_id="car-3"),
    "a rare car on a track": LapFilter(track_id="track-0", car_id="car-rare"),
    "driver": LapFilter(driver="driver-7"),
    "rig": LapFilter(rig_id="rig-7"),
    "valid": LapFilter(is_valid=True),
    "not valid": LapFilter(is_valid=False),
    "since": LapFilter(since=NOW - timedelta(hours=12)),
    "until": LapFilter(until=NOW - timedelta(days=12)),
    "everything": LapFilter(track_id="track-0", car_id="car-0", driver="driver-7", rig_id="rig-7", is_valid=True),
    "nobody": LapFilter(driver="nobody"),
}
FACETS: dict[str, Callable[[LapFacets], Awaitable[object]]] = {
    "tracks": LapFacets.tracks,
    "cars": LapFacets.cars,
    "drivers": LapFacets.drivers,
    "rigs": LapFacets.rigs,
}


@pytest.fixture(scope="module")
def filled_url(databases: Databases) -> Iterator[str]:
    """A database with many laps."""

    async def fill(url: str) -> None:
        async with connected(url) as connection:
            await connection.execute(FILL.format(laps=LAPS, sessions=LAPS // 25))

    with databases.migrated() as url:
        asyncio.run(fill(url))
        yield url


async def scans(url: str, ask: Callable[[AsyncSession], Awaitable[object]]) -> list[str]:
    """The relations of which all rows are read by what is asked."""
    engine = create_async_engine(url)
    try:
        async with Database(engine).transaction() as session:
            asked = recorded(engine)
            await ask(session)
            plans = [await explained(session, *each) for each in asked.copy()]
    finally:
        await engine.dispose()
    assert plans
    return [
        node["Relation Name"] for (plan,) in plans for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"
    ]


@pytest.mark.parametrize("name", FILTERS)
async def test_a_page_is_found_by_an_index(filled_url: str, name: str) -> None:
    """In each order, both ways, from the first page on, and of the best laps: no scan of all laps or sessions."""

    async def ask(session: AsyncSession) -> None:
        search, which = LapSearch(session), FILTERS[name]
        for sort, reverse in itertools.product(LapSort, (False, True)):
            page = await search.page(which, sort=sort, reverse=reverse)
            if page.cursor is not None:
                await search.page(which, sort=sort, reverse=reverse, cursor=page.cursor)
        best = await search.best(which)
        if best.cursor is not None:
            await search.best(which, cursor=best.cursor)

    assert await scans(filled_url, ask) == []


async def test_the_best_in_a_car_on_a_track_are_found_by_steps_through_an_index(filled_url: str) -> None:
    """From driver to driver: entries of the index are read by the number of drivers, and not of their laps."""
    which, read = LapFilter(track_id="track-0", car_id="car-0"), 0.0
    engine = create_async_engine(filled_url)
    try:
        async with Database(engine).transaction() as session:
            there = select(func.count(), func.count(tuple_(LapRecord.track_config_name, LapRecord.driver).distinct()))
            laps, drivers = (
                await session.execute(
                    there.where(LapRecord.track_id == which.track_id, LapRecord.car_id == which.car_id)
                )
            ).one()
            asked = recorded(engine)
            await LapSearch(session).best(which, limit=1)
            for statement in asked.copy():
                (plan,) = await explained(session, *statement)
                read += sum(map(_entries, nodes(plan["Plan"])))
    finally:
        await engine.dispose()
    assert drivers * 3 < laps, "or there is nothing to be seen here"
    assert read < drivers * 2, (read, drivers, laps)


def _entries(node: dict[str, Any]) -> float:
    """How many of an index's entries a part of a plan read."""
    if "Index Name" not in node:
        return 0
    return (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


@pytest.mark.parametrize("name", FACETS)
async def test_what_there_is_is_found_by_steps_through_an_index(filled_url: str, name: str) -> None:
    """Tracks, cars, drivers and rigs are not counted out of all laps."""

    async def ask(session: AsyncSession) -> None:
        await FACETS[name](LapFacets(session))

    assert await scans(filled_url, ask) == []


async def test_a_lap_is_found_by_the_beginning_of_its_id(filled_url: str) -> None:
    """By the primary key, whatever the length of what is given."""

    async def ask(session: AsyncSession) -> None:
        (newest,) = (await LapSearch(session).page(limit=1)).laps
        for length in (6, 8, 36):
            assert newest in await LapSearch(session).identified(str(newest.lap_id)[:length])

    assert await scans(filled_url, ask) == []


async def test_the_check_sees_what_it_looks_for(filled_url: str) -> None:
    """It can fail: a question that no index answers goes through all laps, and is found to."""

    async def ask(session: AsyncSession) -> None:
        await session.execute(select(func.avg(LapRecord.frame_count)))

    assert await scans(filled_url, ask) == ["laps"]
