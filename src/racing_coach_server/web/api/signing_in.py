"""Signing in and out: all that is done here and is not reading."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from racing_coach_core.web_laps import Problem
from racing_coach_server.web.problems import problem
from racing_coach_server.web.security.guard import refusal
from racing_coach_server.web.security.sessions import Standing, address_of
from racing_coach_server.web.site import TheSite

signing_in = APIRouter(tags=["signing in"])


class SignIn(BaseModel):
    """What one signs in with."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(max_length=1_000)


@signing_in.post("/sign-in", status_code=204, responses={401: {"model": Problem}, 429: {"model": Problem}})
async def sign_in(request: Request, given: SignIn, site: TheSite) -> Response:
    """Get a cookie for a password."""
    if _is_from_elsewhere(request):
        return problem(403, "not_allowed", "Sign in on these pages.")
    sessions, response = site.sessions, Response(status_code=204)
    if not sessions.needs_password:
        return response
    standing = sessions.try_password(given.password, request)
    if standing is not Standing.SIGNED_IN:
        return refusal(standing, sessions.tries.wait_s(address_of(request)))
    sessions.sign_in(response, request)
    return response


@signing_in.post("/sign-out", status_code=204)
async def sign_out(request: Request, site: TheSite) -> Response:
    """Give the cookie back."""
    if _is_from_elsewhere(request):
        return problem(403, "not_allowed", "Sign out on these pages.")
    response = Response(status_code=204)
    site.sessions.sign_out(response)
    return response


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page asks, as the browser says; scripts say nothing."""
    return request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
