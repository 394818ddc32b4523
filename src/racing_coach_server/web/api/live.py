"""The pit wall, and how all of it is."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from racing_coach_core.web_laps import Problem
from racing_coach_core.web_live import HealthDocument, PitWall
from racing_coach_server.web.live.event_stream import EventStream
from racing_coach_server.web.site import TheSite

live = APIRouter(tags=["live"])


@live.get("/pit-wall", response_model=PitWall)
async def pit_wall(site: TheSite) -> Response:
    """All that is on the pit wall now."""
    return Response(site.feed.snapshot(), media_type="application/json")


@live.get(
    "/events",
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {}}}, 503: {"model": Problem}},
)
async def events(site: TheSite, last_event_id: Annotated[str | None, Header()] = None) -> Response:
    """What changes on the pit wall, as server-sent events.

    `snapshot` (a PitWall) comes first, and again where `Last-Event-ID` is not held any more. Then `rig` (RigEvent),
    `daemon` (DaemonDocument), `rejected` (RejectedEvent), `source` (Sources), and `ping` every ten seconds.
    """
    return EventStream(site.feed.events(last_event_id))


@live.get("/health")
async def health(site: TheSite) -> HealthDocument:
    """How the web process, the daemons, broker and database are."""
    return site.health()
