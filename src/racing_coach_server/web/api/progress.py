"""How drivers get on."""

from typing import Annotated

from fastapi import APIRouter, Query

from racing_coach_core.web_laps import Problem, Progress, ProgressChoices
from racing_coach_server.web.api.parameters import StorableText
from racing_coach_server.web.site import TheSite

progress = APIRouter(prefix="/progress", tags=["progress"])

type Name = Annotated[StorableText, Query(min_length=1, max_length=500)]


@progress.get("/choices")
async def choices(site: TheSite, limit: Annotated[int, Query(ge=1, le=2_000)] = 500) -> ProgressChoices:
    """Of whom there is progress to show, the one driven last first."""
    pages = await site.lap_pages()
    return await site.laps.read(lambda session: pages.progress_choices(session, limit=limit))


@progress.get("", responses={404: {"model": Problem}})
async def one(  # noqa: PLR0917 (a parameter of the query each)
    site: TheSite,
    driver: Annotated[Name, Query(description="the driver's id, or the rig of a driver without one")],
    track: Name,
    car: Name,
    config: Annotated[
        StorableText, Query(max_length=500, description="the track's configuration; empty for none")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=2_000)] = 500,
) -> Progress:
    """A driver's newest laps in one car on one track."""
    pages = await site.lap_pages()
    return await site.laps.read(
        lambda session: pages.progress(session, driver=driver, track=track, config=config, car=car, limit=limit)
    )
