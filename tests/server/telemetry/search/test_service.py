"""Laps found by what they are: filters, orders, pages, the best ones, ids."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.server.support import changed, new_lap

from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.exceptions import InvalidCursorError, InvalidLapIdError
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort
from racing_coach_server.telemetry.search.service import LapSearch
from racing_coach_server.telemetry.service import TelemetryService

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPA, RING = "spa", "ring"


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        yield session


async def store(
    session: AsyncSession,
    *,
    at: int,
    lap_time: float | None = 80.0,
    track: str = SPA,
    config: str | None = None,
    car: str = "gt3",
    driver: str | None = "jo",
    rig: str = "rig-1",
    lap: Lap | None = None,
) -> uuid.UUID:
    """A lap received so many minutes after the start."""
    lap = lap or new_lap()
    about = lap.session.model_copy(
        update={
            "track_id": track,
            "track_name": f"Circuit {track}",
            "track_config_name": config,
            "car_id": car,
            "car_name": f"The {car}",
            "driver_id": driver,
            "driver_name": None if driver is None else driver.title(),
        }
    )
    received = ReceivedLap(
        lap=replace(lap, session=about, lap_time=lap_time),
        rig_id=rig,
        encoding="arrow",
        payload_sha256=uuid.uuid4().hex,
        received_at=START + timedelta(minutes=at),
    )
    return (await TelemetryService(session).store_lap(received)).lap_id


def driven(lap: Lap, at: datetime) -> Lap:
    """The lap, driven at another time."""
    last = lap.frames.column("timestamp")[-1].as_py()
    moved = int((at - last) / timedelta(microseconds=1))
    return changed(
        lap, "timestamp", lambda stamps: pa.array([one + moved for one in stamps.cast(pa.int64()).to_pylist()])
    )


async def ids(session: AsyncSession, which: LapFilter, **more: object) -> Sequence[uuid.UUID]:
    return [lap.lap_id for lap in (await LapSearch(session).page(which, **more)).laps]  # type: ignore[arg-type]


async def test_each_filter_finds_its_laps(session: AsyncSession) -> None:
    """Alone and together; laps that lack one thing are not found."""
    spa = await store(session, at=0)
    other = await store(session, at=1, track=RING, config="GP", car="lmp", driver=None, rig="rig-2")
    bend = await store(session, at=2, track=RING, config="short")

    for which, found in (
        (LapFilter(), [bend, other, spa]),
        (LapFilter(track_id=RING), [bend, other]),
        (LapFilter(track_id=RING, track_config_name="GP"), [other]),
        (LapFilter(track_id=SPA, track_config_name=""), [spa]),
        (LapFilter(car_id="gt3"), [bend, spa]),
        (LapFilter(driver="jo"), [bend, spa]),
        (LapFilter(driver="rig-2"), [other]),
        (LapFilter(rig_id="rig-1"), [bend, spa]),
        (LapFilter(is_valid=True), [bend, other, spa]),
        (LapFilter(is_valid=False), []),
        (LapFilter(since=START + timedelta(minutes=1)), [bend, other]),
        (LapFilter(until=START + timedelta(minutes=1)), [spa]),
        (LapFilter(track_id=RING, car_id="gt3", driver="jo", rig_id="rig-1", is_valid=True), [bend]),
        (LapFilter(track_id=SPA, driver="rig-2"), []),
    ):
        assert await ids(session, which) == found, which


async def test_laps_come_in_the_order_that_is_asked_for(session: AsyncSession) -> None:
    """Received last, driven last, or fastest first, or the other way round; without a time there is no place by time."""
    yesterday = START - timedelta(days=1)
    late = await store(session, at=0, lap_time=82.0, lap=driven(new_lap(), START))
    untimed = await store(session, at=1, lap_time=None, lap=driven(new_lap(), START - timedelta(hours=1)))
    old = await store(session, at=2, lap_time=81.0, lap=driven(new_lap(), yesterday))
    clockless = await store(
        session, at=-60 * 24 * 2, lap_time=90.0, lap=driven(new_lap(), datetime(1970, 1, 1, 0, 2, tzinfo=UTC))
    )

    for sort, found in (
        (LapSort.RECEIVED, [old, untimed, late, clockless]),
        (LapSort.DRIVEN, [late, untimed, old, clockless]),
        (LapSort.TIME, [old, late, clockless]),
    ):
        assert await ids(session, LapFilter(), sort=sort) == found
        assert await ids(session, LapFilter(), sort=sort, reverse=True) == found[::-1]
    since = LapFilter(since=yesterday - timedelta(minutes=1), until=START)
    assert await ids(session, since, sort=LapSort.DRIVEN) == [untimed, old]


@pytest.mark.parametrize("sort", LapSort)
@pytest.mark.parametrize("reverse", [False, True])
async def test_pages_make_the_whole_list(session: AsyncSession, sort: LapSort, reverse: bool) -> None:
    """Each lap once, also where many have the same time, and the last page says so."""
    for number in range(7):
        await store(session, at=number // 3, lap_time=80.0 + number % 2)
    whole = await LapSearch(session).page(sort=sort, reverse=reverse)
    assert (len(whole.laps), whole.cursor) == (7, None)

    for limit in (1, 3, 7):
        found, cursor = [], None
        while True:
            page = await LapSearch(session).page(sort=sort, reverse=reverse, limit=limit, cursor=cursor)
            found += page.laps
            if (cursor := page.cursor) is None:
                break
        assert found == list(whole.laps)


async def test_the_best_lap_of_each_driver_in_each_car(session: AsyncSession) -> None:
    """One of each driver, car and track, by their names; of one track and car the fastest first; page by page."""
    await store(session, at=0, lap_time=81.0)
    jo = await store(session, at=1, lap_time=80.5)
    al = await store(session, at=2, lap_time=79.0, driver="al")
    lmp = await store(session, at=3, lap_time=70.0, car="lmp")
    ring = await store(session, at=4, lap_time=500.0, track=RING, config="north", driver=None)
    await store(session, at=5, lap_time=None, driver="ed")
    search = LapSearch(session)

    for which, found in (
        (LapFilter(), [ring, al, jo, lmp]),
        (LapFilter(track_id=SPA, car_id="gt3"), [al, jo]),
        (LapFilter(driver="jo"), [jo, lmp]),
        (LapFilter(driver="ed"), []),
    ):
        whole = await search.best(which)
        assert ([lap.lap_id for lap in whole.laps], whole.cursor) == (found, None)
        pages, cursor = [], None
        while len(pages) < len(found):
            page = await search.best(which, limit=1, cursor=cursor)
            pages += page.laps
            cursor = page.cursor
        assert (pages, cursor) == (list(whole.laps), None)


async def test_the_best_of_a_car_on_each_configuration_of_a_track(session: AsyncSession) -> None:
    """Each driver once on each; a lap with an error, one without a time, another car and another track do not count."""
    best: dict[tuple[str, str], tuple[float, uuid.UUID]] = {}
    for number in range(24):
        config, driver = ("", "gp", "nord")[number % 3], ("al", "ed", "jo", "vi")[number % 4]
        time = 80.0 + number * 7 % 5
        lap_id = await store(session, at=number, lap_time=time, config=config or None, driver=driver)
        best[config, driver] = min(best.get((config, driver), (999.0, lap_id)), (time, lap_id))
    for wrong in ({"lap_time": None}, {"car": "lmp"}, {"track": RING, "config": "gp"}):
        await store(session, at=30, **({"lap_time": 50.0, "driver": "al"} | wrong))
    spun = await store(session, at=31, lap_time=50.0, driver="al")
    await session.execute(update(LapRecord).where(LapRecord.id == spun).values(is_valid=False))

    async def found(config: str | None) -> list[uuid.UUID]:
        page = await LapSearch(session).best(LapFilter(track_id=SPA, track_config_name=config, car_id="gt3"))
        return [lap.lap_id for lap in page.laps]

    assert await found(None) == [lap_id for _, lap_id in sorted(best.values())]
    assert await found("gp") == [lap_id for _, lap_id in sorted(each for of, each in best.items() if of[0] == "gp")]
    assert await found("oval") == []
    since = LapFilter(track_id=SPA, track_config_name="gp", car_id="gt3", since=START)
    assert [lap.lap_id for lap in (await LapSearch(session).best(since)).laps] == await found("gp")


async def test_a_place_in_another_list_is_refused(session: AsyncSession) -> None:
    """As is what is no cursor at all."""
    for at in range(3):
        await store(session, at=at)
    search = LapSearch(session)
    cursor = (await search.page(limit=1)).cursor
    assert cursor is not None
    for wrong in (cursor[:-3], "", "!", "bnVsbA", "W10", "WyJyZWNlaXZlZCBmYWxsaW5nIiwxLDJd", f"{cursor}{cursor}"):
        with pytest.raises(InvalidCursorError):
            await search.page(cursor=wrong)
    with pytest.raises(InvalidCursorError):
        await search.page(sort=LapSort.TIME, cursor=cursor)
    with pytest.raises(InvalidCursorError):
        await search.page(reverse=True, cursor=cursor)
    with pytest.raises(InvalidCursorError):
        await search.best(cursor=cursor)


async def test_tracks_cars_drivers_and_rigs_are_named_as_last(session: AsyncSession) -> None:
    """Each once, with the name that the lap received last gives it; at most as many as asked for."""
    await store(session, at=0, config="GP")
    await store(session, at=1, track=RING, driver=None, rig="rig-2")
    await store(session, at=2, config="GP", car="lmp")
    await store(session, at=3)
    facets = LapFacets(session)

    tracks = await facets.tracks()
    assert [(one.id, one.config, one.name) for one in tracks] == [
        (RING, "", "Circuit ring"),
        (SPA, "", "Circuit spa"),
        (SPA, "GP", "Circuit spa"),
    ]
    assert tracks[-1].last_received_at == START + timedelta(minutes=2)
    assert [(one.id, one.name) for one in await facets.cars()] == [("gt3", "The gt3"), ("lmp", "The lmp")]
    assert [(one.id, one.name) for one in await facets.drivers()] == [("jo", "Jo"), ("rig-2", "rig-2")]
    assert [one.id for one in await facets.rigs()] == ["rig-1", "rig-2"]
    assert [one.id for one in await facets.rigs(limit=1)] == ["rig-1"]


async def test_an_empty_database_has_none(session: AsyncSession) -> None:
    """No page, no facet, no error."""
    assert (await LapSearch(session).page()).laps == []
    assert (await LapSearch(session).best()).laps == []
    assert await LapFacets(session).tracks() == []


async def test_laps_are_named_by_their_first_digits(session: AsyncSession) -> None:
    """Whole or in part, with dashes or without; what is no id is refused."""
    one, two = (uuid.UUID(f"0123456{last}-89ab-cdef-0000-000000000000") for last in (7, 8))
    for lap_id in (one, two):
        await store(session, at=0, lap=replace(new_lap(), lap_id=lap_id))
    search = LapSearch(session)
    for text, found in (
        (str(one), [one]),
        (one.hex.upper(), [one]),
        ("01234567", [one]),
        ("01234568-89", [two]),
        ("012345", [one, two]),
        ("abcdef", []),
    ):
        assert [lap.lap_id for lap in await search.identified(text)] == found
    for wrong in ("01234", "spa", "", str(one) + "0", "0123456\u0667"):
        with pytest.raises(InvalidLapIdError):
            await search.identified(wrong)
