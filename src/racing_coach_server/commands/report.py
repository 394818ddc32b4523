"""`racing-coach laps report`: the page of a lap as one file."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.web_views import LapView
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.runner import with_dependencies
from racing_coach_server.commands.text import shown
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.web.laps.view import LapViews
from racing_coach_server.web.report import report_name, report_of

console = Console()

_WORDS = {"best": "own_best"}

AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="LAP|best|car_best|theoretical|none",
        help="Another lap; the driver's best other lap; the best in that car; the best of each segment; no lap. "
        "If not given, the lap that the coach compares with.",
    ),
]


def report(
    lap_id: LapArgument,
    against: AgainstOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; named after the lap if not given.")
    ] = None,
) -> None:
    """Write the page of a lap, beside another, to one file that opens without a network."""

    async def work(session: AsyncSession, dependencies: Dependencies) -> tuple[LapView, str]:
        lap = await find_lap(session, lap_id)
        which = await _which(session, against)
        view = await dependencies.once(LapViews).view(session, lap.lap_id, which)
        return view, await asyncio.to_thread(report_of, view)

    view, text = with_dependencies(work)
    path = output or Path(report_name(view))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from error
    if view.no_reference is not None:
        console.print(f"beside no other lap: {shown(view.no_reference)}", highlight=False, soft_wrap=True)
    console.print(f"{path.stat().st_size / 1000:.0f} kB written to {shown(str(path))}", highlight=False, soft_wrap=True)


async def _which(session: AsyncSession, against: str | None) -> str:
    """As the page would ask; a lap by the first part of its id."""
    if against is None:
        return "coach"
    if against in {"best", "coach", "own_best", "car_best", "theoretical", "none"}:
        return _WORDS.get(against, against)
    return str((await find_lap(session, against)).lap_id)
