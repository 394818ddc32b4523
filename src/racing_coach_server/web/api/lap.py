"""One lap: what is known of it, its frames, its measures, and the page of it."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from racing_coach_core.analysis_documents import LapAnalysisDocument, LapComparisonDocument
from racing_coach_core.coaching import Coaching
from racing_coach_core.web_laps import LapRow, Problem, References
from racing_coach_core.web_views import LapView
from racing_coach_server.web.laps.formats import MEDIA_TYPES, ColumnFormat, channel_names
from racing_coach_server.web.laps.rows import find_lap, lap_row
from racing_coach_server.web.site import TheSite

lap = APIRouter(prefix="/laps/{lap_id}", tags=["a lap"], responses={404: {"model": Problem}})

type AgainstQuery = Annotated[
    str,
    Query(max_length=50, description="`coach`, `own_best`, `car_best`, `theoretical`, or a lap's id"),
]
type ViewAgainstQuery = Annotated[
    str,
    Query(max_length=50, description="`coach`, `own_best`, `car_best`, `theoretical`, `none`, or a lap's id"),
]

_FILES: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}}


@lap.get("")
async def one_lap(site: TheSite, lap_id: UUID) -> LapRow:
    """What is known of it."""
    return lap_row(await site.laps.read(lambda session: find_lap(session, lap_id)))


@lap.get("/view", response_model=LapView)
async def view(site: TheSite, lap_id: UUID, against: ViewAgainstQuery = "coach") -> Response:
    """All that the page of it shows, beside another lap or alone."""
    pages = await site.lap_pages()
    found = await site.laps.read(lambda session: pages.view(session, lap_id, against))
    return Response(found.model_dump_json(), media_type="application/json")


@lap.get("/report", response_class=Response, responses={200: {"content": {"text/html": {}}}})
async def report(site: TheSite, lap_id: UUID, against: ViewAgainstQuery = "coach") -> Response:
    """The page of it as one file, which opens without a network."""
    pages = await site.lap_pages()
    file = await site.laps.read(lambda session: pages.report(session, lap_id, against))
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.text, headers=headers, media_type="text/html; charset=utf-8")


@lap.get("/columns", response_class=Response, responses=_FILES)
async def columns(
    site: TheSite,
    lap_id: UUID,
    kind: Annotated[ColumnFormat, Query(alias="format")] = ColumnFormat.JSON,
    channels: Annotated[
        str | None, Query(max_length=4_000, description="commas between; all of them if not given")
    ] = None,
) -> Response:
    """Its frames, by channel."""
    names = channel_names(channels)
    pages = await site.lap_pages()
    file = await site.laps.read(lambda session: pages.columns(session, lap_id, names, kind))
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return StreamingResponse(file.pieces, headers=headers, media_type=file.media_type)


@lap.get("/analysis")
async def analysis(site: TheSite, lap_id: UUID) -> LapAnalysisDocument:
    """What happened in each corner."""
    pages = await site.lap_pages()
    return await site.laps.read(lambda session: pages.analysis(session, lap_id))


@lap.get("/comparison", responses={409: {"model": Problem}})
async def comparison(site: TheSite, lap_id: UUID, against: AgainstQuery = "coach") -> LapComparisonDocument:
    """Where it lost its time against another, segment by segment."""
    pages = await site.lap_pages()
    return await site.laps.read(lambda session: pages.comparison(session, lap_id, against))


@lap.get("/coaching")
async def coaching(site: TheSite, lap_id: UUID) -> Coaching:
    """What the coach said of it."""
    pages = await site.lap_pages()
    return await site.laps.read(lambda session: pages.coaching(session, lap_id))


@lap.get("/references")
async def references(site: TheSite, lap_id: UUID) -> References:
    """What it can be held against."""
    pages = await site.lap_pages()
    return await site.laps.read(lambda session: pages.references(session, lap_id))
