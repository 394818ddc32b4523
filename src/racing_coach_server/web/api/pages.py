"""The pages and what they load. What they show they ask the API for."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from racing_coach_server.web.security.guard import SIGN_IN_PAGE
from racing_coach_server.web.site import TheSite

pages = APIRouter(include_in_schema=False)

_PAGES: Final = {"/": "pit-wall", "/laps": "laps", "/lap/{lap_id}": "lap", "/progress": "progress", "/about": "about"}
_OF_LAPS: Final = frozenset({"laps", "lap", "progress"})


def _page(name: str) -> None:
    async def page(request: Request, site: TheSite) -> Response:
        if name in _OF_LAPS:
            site.will_need_lap_pages()
        return site.files.page(request, name)

    path = next(path for path, of in _PAGES.items() if of == name)
    pages.add_api_route(path, page, methods=["GET"])


for _name in _PAGES.values():
    _page(_name)


@pages.get(SIGN_IN_PAGE)
async def sign_in_page(request: Request, site: TheSite) -> Response:
    """Where there is no password there is nothing to sign in to."""
    if not site.sessions.needs_password:
        return RedirectResponse("/", status_code=303)
    return site.files.page(request, "sign-in")


@pages.get("/assets/{path:path}")
async def asset(request: Request, path: str, site: TheSite) -> Response:
    return site.files.asset(request, path)


@pages.get("/healthz")
async def healthz() -> Response:
    """That the process answers, for who starts it again if not."""
    return Response(status_code=204)
