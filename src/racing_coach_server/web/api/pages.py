"""The pages and what they load. What they show they ask the API for."""

import re
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from racing_coach_server.web.security.guard import SIGN_IN_PAGE
from racing_coach_server.web.site import TheSite

pages = APIRouter(include_in_schema=False)

_PAGES: Final = {"/": "pit-wall", "/laps": "laps", "/lap/{lap_id}": "lap", "/progress": "progress", "/about": "about"}
_PLAIN: Final = re.compile(r"[\w.=&-]*", re.ASCII)


def _page(name: str) -> None:
    async def page(request: Request, site: TheSite) -> Response:
        answer = site.files.page(request, name)
        if name == "lap" and (link := _early_view(request)) is not None:
            answer.headers["Link"] = link
        return answer

    path = next(path for path, of in _PAGES.items() if of == name)
    pages.add_api_route(path, page, methods=["GET"])


def _early_view(request: Request) -> str | None:
    """A header that has the browser ask for the lap before it reads the page, just as the page's script will ask: so
    the lap is read while the script is. None for an address that no link of ours has.
    """
    lap_id, query = request.path_params["lap_id"], request.url.query
    if not _PLAIN.fullmatch(lap_id) or not _PLAIN.fullmatch(query):
        return None
    asked = f"/api/v1/laps/{lap_id}/view" + (f"?{query}" if query else "")
    return f"<{asked}>; rel=preload; as=fetch; crossorigin"


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
