"""Laps as people name them: by their id, or the first part of it."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.text import driver, plain, track
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.exceptions import InvalidLapIdError
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.ids import FEWEST_DIGITS
from racing_coach_server.telemetry.search.service import LapSearch

LapArgument = Annotated[
    str, typer.Argument(metavar="LAP", help=f"A lap_id, or its first part, at least {FEWEST_DIGITS} digits of it.")
]

_NAMED: Final = 5
"""Most laps that are named where an id may mean several."""


async def find_lap(session: AsyncSession, text: str) -> StoredLap:
    """The lap that is meant.

    Raises:
        CommandError: none is, several may be, or this is no id.
    """
    try:
        found = await LapSearch(session).identified(text, limit=_NAMED + 1)
    except InvalidLapIdError as error:
        raise CommandError(f"{plain(str(error))}; `racing-coach laps list` shows them") from error
    if not found:
        raise CommandError(f"no lap {plain(text)} is stored; `racing-coach laps list` shows those that are")
    if len(found) > 1:
        named = "; ".join(
            f"{lap.lap_id} ({plain(driver(lap))}, {plain(track(lap))}, {format_lap_time(lap.lap_time)})"
            for lap in found[:_NAMED]
        )
        more = " and more" if len(found) > _NAMED else ""
        raise CommandError(f"{text} may mean several laps: {named}{more}")
    return found[0]


async def find_laps(session: AsyncSession, texts: Sequence[str]) -> list[StoredLap]:
    """The laps that are meant, each once; raises as `find_lap` does."""
    found = [await find_lap(session, text) for text in texts]
    return list({lap.lap_id: lap for lap in found}.values())
