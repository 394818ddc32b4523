"""Puts pages and API together."""

from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from racing_coach_core.web_laps import Problem
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.web.api.lap import lap
from racing_coach_server.web.api.laps import laps
from racing_coach_server.web.api.live import live
from racing_coach_server.web.api.pages import pages
from racing_coach_server.web.api.progress import progress
from racing_coach_server.web.api.signing_in import signing_in
from racing_coach_server.web.problems import Failures, say_problems
from racing_coach_server.web.security.bodies import Bodies
from racing_coach_server.web.security.guard import Guard
from racing_coach_server.web.security.headers import Headers
from racing_coach_server.web.security.names import Names
from racing_coach_server.web.site import Site

_API: Final = "/api/v1"
_GZIP_FROM: Final = 1_000
_GZIP_LEVEL: Final = 3
"""A lap's page in 4 ms; the highest level takes ten times as long for a twentieth less."""


def create_app(settings: Settings) -> FastAPI:
    """The application; nothing connects before it is started."""
    site = Site(settings)
    app = FastAPI(
        title="Racing Coach",
        version=VERSION,
        summary="Laps, what was measured of them and what the coach said: for reading.",
        openapi_url=f"{_API}/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=site.running,
        # From the outside in: every answer has the headers, and who is not signed in gets no further than the guard.
        middleware=[
            Middleware(Headers),
            Middleware(Names, settings=settings.web),
            Middleware(Guard, sessions=site.sessions),
            Middleware(Bodies),
            Middleware(GZipMiddleware, minimum_size=_GZIP_FROM, compresslevel=_GZIP_LEVEL),
            Middleware(Failures),
        ],
    )
    app.state.site = site
    api = APIRouter(prefix=_API, responses={401: {"model": Problem}, 422: {"model": Problem}, 503: {"model": Problem}})
    for router in (live, laps, lap, progress, signing_in):
        api.include_router(router)
    app.include_router(api)
    app.include_router(pages)
    say_problems(app)
    return app
