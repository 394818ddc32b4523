"""Errors as the API says them: one sentence of our own, whatever went wrong below."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from racing_coach_core.exceptions import Fault
from racing_coach_core.web_laps import Problem, ProblemCode
from racing_coach_server.analytics.comparison.exceptions import NotComparableError, NothingToCompareError
from racing_coach_server.database.faults import fault_of, in_words
from racing_coach_server.telemetry.exceptions import InvalidCursorError
from racing_coach_server.web.exceptions import (
    BadQueryError,
    LapNotFoundError,
    NothingDrivenError,
    NothingSaidError,
    TooManyViewersError,
)

log = structlog.stdlib.get_logger(__name__)

_AWAY: Final = "The database is away; laps are not lost, and this page works again as soon as it is back."
_RETRY_S: Final = 5


def problem(status: int, code: ProblemCode, message: str, *, retry_after_s: float | None = None) -> Response:
    """An answer that says what is wrong."""
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, round(retry_after_s)))}
    if status == 401:  # noqa: PLR2004 (RFC 9110: it names how to sign in)
        headers["WWW-Authenticate"] = "Bearer"
    content = Problem(code=code, message=message).model_dump_json()
    return Response(content, status, headers, media_type="application/json")


def say_problems(app: FastAPI) -> None:
    """Have what requests ask for wrongly answered as a `Problem`; what fails is `Failures`'."""
    for kind, status, code in _OURS:
        app.add_exception_handler(kind, _saying(status, code))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


_OURS: Final[tuple[tuple[type[Exception], int, ProblemCode], ...]] = (
    (LapNotFoundError, 404, "not_found"),
    (NothingSaidError, 404, "not_found"),
    (NothingDrivenError, 404, "not_found"),
    (BadQueryError, 422, "invalid"),
    (InvalidCursorError, 422, "invalid"),
    (NotComparableError, 409, "not_comparable"),
    (NothingToCompareError, 409, "not_comparable"),
    (TooManyViewersError, 503, "not_allowed"),
)


def _saying(status: int, code: ProblemCode) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def say(_request: Request, error: Exception) -> Response:
        return problem(status, code, str(error))

    return say


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
    return problem(422, "invalid", wrong)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:  # noqa: PLR2004
        return problem(405, "not_allowed", "Pages and API are for reading.")
    if error.status_code == 413:  # noqa: PLR2004
        return problem(413, "not_allowed", "This is more than anything here takes.")
    return problem(404, "not_found", "There is nothing here.")


class Failures:
    """Answers for what the database or we did not do. What it says itself is for the log, not for the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        begun = False

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except Exception as error:
            answer = _failed(scope["path"] if scope["type"] == "http" else scope["type"], error)
            if begun or scope["type"] != "http":
                raise  # half an answer is sent: that it ends is all that can be said
            await answer(scope, receive, send)


def _failed(path: str, error: Exception) -> Response:
    if fault_of(error) is Fault.WORLD:
        log.warning("the database did not answer", path=path, reason=in_words(error))
        return problem(503, "database_away", _AWAY, retry_after_s=_RETRY_S)
    log.error("a request failed", path=path, exc_info=error)
    return problem(500, "failed", "This failed; the log of the web process says why.")
