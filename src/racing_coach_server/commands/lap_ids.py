"""Laps as people name them: by their id, or the first part of it."""

import re
from typing import Annotated, Final
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.commands.text import driver, lap_time, plain, track
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap

LapArgument = Annotated[
    str, typer.Argument(metavar="LAP", help="A lap_id, or its first part, at least 6 digits of it.")
]

_DIGITS: Final = 32
_FEWEST: Final = 6
_PART: Final = re.compile(r"[0-9a-fA-F]{6,32}", re.ASCII)
_NAMED: Final = 5
"""Most laps that are named where an id may mean several."""


async def find_lap(session: AsyncSession, text: str) -> StoredLap:
    """The lap that is meant.

    Raises:
        CommandError: none is, several may be, or this is no id.
    """
    digits = text.strip().replace("-", "")
    if not _PART.fullmatch(digits):
        raise CommandError(
            f"{plain(text)!r} is no lap_id: give it whole, or its first part, at least {_FEWEST} hexadecimal digits; "
            "`racing-coach laps list` shows them"
        )
    low, high = UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))
    found = await StoredLaps(session).identified(low, high, limit=_NAMED + 1)
    if not found:
        which = text if len(digits) == _DIGITS else f"whose id begins with {text}"
        raise CommandError(f"no lap {which} is stored; `racing-coach laps list` shows those that are")
    if len(found) > 1:
        named = "; ".join(
            f"{lap.lap_id} ({plain(driver(lap))}, {plain(track(lap))}, {lap_time(lap.lap_time)})"
            for lap in found[:_NAMED]
        )
        more = " and more" if len(found) > _NAMED else ""
        raise CommandError(f"{text} may mean several laps: {named}{more}")
    return found[0]
