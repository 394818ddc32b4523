"""The daemon of a run, which also notes when each step of every lap's way began and ended.

Usage: timed_daemon.py FIGURES. The steps are written beside that file, to steps.json, at the end.
"""

import functools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from benchmarks.servers.instrumented_daemon import daemon
from racing_coach_server.commands.runner import run_async
from racing_coach_server.database import engine
from racing_coach_server.messaging.answering import Answers
from racing_coach_server.messaging.committing import Committer
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.messages import Message
from racing_coach_server.telemetry import service
from racing_coach_server.telemetry.handlers import LapHandler

WAY: Final = "all of it"
STEPS: Final = (
    ("a connection", AsyncConnection, "start"),
    ("BEGIN", engine, "send_begin"),
    ("hash the payload", Message, "hash"),
    ("decode, validate, hash the content", LapHandler, "_decoded"),
    ("insert the lap", service.TelemetryService, "_insert_lap"),
    ("COPY the blocks", service, "copy_blocks"),
    ("COMMIT", AsyncTransaction, "commit"),
    ("answer, and its PUBACK", Answers, "publish"),
    ("commit, all of it", Committer, "commit"),
)
"""What each is called, and the function that does it."""

type _Span = tuple[str, float, float]
_lap: ContextVar[list[_Span] | None] = ContextVar("lap", default=None)
_laps: list[list[_Span]] = []


def _timed(owner: Any, attribute: str, name: str) -> None:
    """Have a coroutine function note when it ran."""
    function: Callable[..., Awaitable[Any]] = getattr(owner, attribute)

    @functools.wraps(function)
    async def noting(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            if (spans := _lap.get()) is not None:
                spans.append((name, began, time.perf_counter()))

    setattr(owner, attribute, noting)


def _note_laps() -> None:
    """Begin a list with every message."""
    handle = Dispatcher.handle

    @functools.wraps(handle)
    async def noting(*args: Any, **kwargs: Any) -> Any:
        spans: list[_Span] = []
        _lap.set(spans)
        began = time.perf_counter()
        outcome = await handle(*args, **kwargs)
        spans.append((WAY, began, time.perf_counter()))
        _laps.append([(name, begin - began, end - began) for name, begin, end in spans])
        return outcome

    Dispatcher.handle = noting  # type: ignore[method-assign]  # to note it is what this is for


if __name__ == "__main__":
    figures = Path(sys.argv[1])
    for step, owner, attribute in STEPS:
        _timed(owner, attribute, step)
    _note_laps()
    try:
        run_async(daemon(figures))
    finally:
        figures.with_name("steps.json").write_text(json.dumps(_laps))
