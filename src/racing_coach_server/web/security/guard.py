"""Nobody who is not signed in gets further than the sign-in page."""

from typing import Final
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from racing_coach_server.web.problems import problem
from racing_coach_server.web.security.sessions import Sessions, Standing, address_of

SIGN_IN_PAGE: Final = "/sign-in"
SIGN_IN: Final = "/api/v1/sign-in"
_OPEN: Final = frozenset({SIGN_IN_PAGE, SIGN_IN, "/healthz"})
_OPEN_FOLDER: Final = "/assets/"


class Guard:
    """Lets through who is signed in; without a password that is everybody."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        standing = self._sessions.standing(connection)
        if standing is Standing.SIGNED_IN:
            await self._app(scope, receive, send)
        else:
            await self._refusal(standing, connection)(scope, receive, send)

    def _refusal(self, standing: Standing, connection: HTTPConnection) -> Response:
        path = connection.url.path
        if not path.startswith("/api/") and standing is Standing.UNKNOWN:
            asked = path + (f"?{connection.url.query}" if connection.url.query else "")
            return RedirectResponse(f"{SIGN_IN_PAGE}?next={quote(asked, safe='')}", status_code=303)
        return refusal(standing, self._sessions.tries.wait_s(address_of(connection)))


def refusal(standing: Standing, wait_s: float) -> Response:
    """Why who asks is not signed in."""
    if standing is Standing.TOO_MANY_TRIES:
        return problem(429, "too_many_tries", "Too many wrong passwords; wait a little.", retry_after_s=wait_s)
    if standing is Standing.WRONG_PASSWORD:
        return problem(401, "wrong_password", "That is not the password.")
    return problem(401, "signed_out", "Sign in first.")


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_FOLDER)
