"""Laps and sessions as lists, and what they can be filtered by."""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.web_laps import CarFacet, DriverFacet, Facets, LapPage, SessionPage, TrackFacet
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort
from racing_coach_server.telemetry.search.service import LapSearch
from racing_coach_server.web.api.parameters import Moment, StorableText
from racing_coach_server.web.laps.rows import lap_row
from racing_coach_server.web.laps.sessions import session_page
from racing_coach_server.web.site import TheSite

laps = APIRouter(tags=["laps"])

_SORTS: Final = {"received": LapSort.RECEIVED, "driven": LapSort.DRIVEN, "lap_time": LapSort.TIME}

type Name = Annotated[StorableText | None, Query(max_length=500)]
type When = Annotated[Moment | None, Query(description="with its offset to UTC, such as 2026-11-25T19:00:00Z")]
type Limit = Annotated[int, Query(ge=1, le=200)]


@laps.get("/laps")
async def list_laps(  # noqa: PLR0917 (a parameter of the query each)
    site: TheSite,
    track: Annotated[Name, Query(description="a track's id")] = None,
    config: Annotated[Name, Query(description="its configuration; empty for none")] = None,
    car: Annotated[Name, Query(description="a car's id")] = None,
    driver: Annotated[Name, Query(description="a driver's id, or the rig of a driver without one")] = None,
    rig: Name = None,
    session: UUID | None = None,
    valid: bool | None = None,
    since: Annotated[When, Query(alias="from")] = None,
    until: Annotated[When, Query(alias="to")] = None,
    sort: Literal["received", "driven", "lap_time"] = "received",
    order: Annotated[
        Literal["asc", "desc"] | None, Query(description="if not given, the newest or the fastest first")
    ] = None,
    after: Annotated[str | None, Query(max_length=2_000, description="`next` of the page before")] = None,
    limit: Limit = 50,
) -> LapPage:
    """Stored laps, page by page."""
    which = LapFilter(
        track_id=track,
        track_config_name=config,
        car_id=car,
        driver=driver,
        rig_id=rig,
        session_id=session,
        is_valid=valid,
        since=since,
        until=until,
    )
    usual = "asc" if sort == "lap_time" else "desc"
    page = await site.laps.read(
        lambda transaction: LapSearch(transaction).page(
            which, sort=_SORTS[sort], reverse=order not in {None, usual}, cursor=after or None, limit=limit
        )
    )
    return LapPage(laps=[lap_row(lap) for lap in page.laps], next=page.cursor)


@laps.get("/facets")
async def facets(site: TheSite) -> Facets:
    """Which tracks, cars, drivers and rigs there are laps of."""
    return await site.laps.read(_facets)


async def _facets(session: AsyncSession) -> Facets:
    of = LapFacets(session)
    tracks, cars, drivers, rigs = await of.tracks(), await of.cars(), await of.drivers(), await of.rigs()
    return Facets(
        tracks=[
            TrackFacet(track_id=one.id, track_name=one.name, track_config_name=one.config or None) for one in tracks
        ],
        cars=[CarFacet(car_id=one.id, car_name=one.name) for one in cars],
        drivers=[DriverFacet(driver=one.id, driver_name=one.name) for one in drivers],
        rigs=[one.id for one in rigs],
    )


@laps.get("/sessions")
async def list_sessions(
    site: TheSite,
    rig: Name = None,
    driver: Name = None,
    after: Annotated[str | None, Query(max_length=2_000, description="`next` of the page before")] = None,
    limit: Limit = 50,
) -> SessionPage:
    """Driving sessions, newest first."""
    return await site.laps.read(
        lambda transaction: session_page(transaction, rig=rig, driver=driver, after=after or None, limit=limit)
    )
