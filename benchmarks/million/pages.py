"""What the pages ask of the database: the list by every filter in every order, the pit wall, progress, a lap."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.million.questions import Ask, Asked
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort
from racing_coach_server.telemetry.search.service import LapSearch
from racing_coach_server.web.laps.progress import progress_choices, progress_of
from racing_coach_server.web.laps.sessions import session_page
from racing_coach_server.web.live.queries import WallQueries

_LATER = 5
"""Which page is asked for beside the first."""
_WALL_DAYS = 7


def _filters(asked: Asked) -> Mapping[str, LapFilter]:
    """Each filter of the page of laps, and those that are chosen together."""
    lap = asked.lap
    track: dict[str, Any] = {"track_id": lap.track_id, "track_config_name": lap.track_config_name}
    days = {"since": datetime.now(UTC) - timedelta(days=100), "until": datetime.now(UTC) - timedelta(days=90)}
    return {
        "all": LapFilter(),
        "track": LapFilter(**track),
        "car": LapFilter(car_id=lap.car_id),
        "driver": LapFilter(driver=lap.driver),
        "rig": LapFilter(rig_id=asked.rig),
        "valid": LapFilter(is_valid=True),
        "not valid": LapFilter(is_valid=False),
        "days": LapFilter(since=days["since"], until=days["until"]),
        "track and car": LapFilter(**track, car_id=lap.car_id),
        "track, car, driver": LapFilter(**track, car_id=lap.car_id, driver=lap.driver, is_valid=True),
        "driver, days": LapFilter(driver=lap.driver, since=days["since"], until=days["until"]),
    }


def _list(name: str, sort: LapSort, *, reverse: bool, pages: int) -> Ask:
    async def ask(session: AsyncSession, asked: Asked) -> object:
        which, cursor, page = _filters(asked)[name], None, None
        for _ in range(pages):
            page = await LapSearch(session).page(which, sort=sort, reverse=reverse, cursor=cursor)
            if (cursor := page.cursor) is None:
                break
        return page

    return ask


async def _facets(session: AsyncSession, _: Asked) -> object:
    of = LapFacets(session)
    return await of.tracks(), await of.cars(), await of.drivers(), await of.rigs()


async def _wall(session: AsyncSession, _: Asked) -> object:
    wall = WallQueries(session)
    return await wall.rigs((await wall.recent_rigs(_WALL_DAYS))[:50], lambda *_: None)


async def _wall_of_one(session: AsyncSession, asked: Asked) -> object:
    return await WallQueries(session).rigs([asked.rig], lambda *_: None)


async def _progress(session: AsyncSession, asked: Asked) -> object:
    lap = asked.lap
    return await progress_of(
        session, driver=lap.driver, track=lap.track_id, config=lap.track_config_name, car=lap.car_id, limit=500
    )


_NAMES = (
    *("all", "track", "car", "driver", "rig", "valid", "not valid", "days"),
    *("track and car", "track, car, driver", "driver, days"),
)

FIRST_PAGES: dict[str, Ask] = {
    f"laps, {name}, by {sort}{', backwards' if reverse else ''}": _list(name, sort, reverse=reverse, pages=1)
    for name, sort, reverse in product(_NAMES, LapSort, (False, True))
}
FIVE_PAGES: dict[str, Ask] = {
    f"laps, {name}, by {sort}, {_LATER} pages": _list(name, sort, reverse=False, pages=_LATER)
    for name, sort in product(("all", "track", "driver"), LapSort)
}
OTHERS: dict[str, Ask] = {
    "what laps can be filtered by": _facets,
    "sessions": lambda session, _: session_page(session, rig=None, driver=None, after=None, limit=50),
    "sessions of a rig": lambda session, asked: session_page(session, rig=asked.rig, driver=None, after=None, limit=50),
    "sessions of a driver": lambda session, asked: session_page(
        session, rig=None, driver=asked.lap.driver, after=None, limit=50
    ),
    "pit wall, fifty rigs": _wall,
    "pit wall, a lap of a rig": _wall_of_one,
    "pit wall, what was rejected": lambda session, _: WallQueries(session).rejected(),
    "progress, of whom": lambda session, _: progress_choices(session, limit=500),
    "progress of a driver": _progress,
}
BY_PAGES = FIRST_PAGES | FIVE_PAGES | OTHERS

MAY_GO_THROUGH = dict.fromkeys(("sessions", "sessions of a rig", "sessions of a driver"), frozenset({"track_sessions"}))
"""Sessions are one for many laps; programs list them, no page does, and they have no index in this order."""
