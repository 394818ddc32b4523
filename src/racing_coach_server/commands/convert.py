"""`racing-coach db convert`: laps that are stored as rows become blocks."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Annotated, Final
from uuid import UUID

import structlog
import typer
from rich.console import Console

from racing_coach_server.commands.progress import EXIT_INTERRUPTED, laps_progress
from racing_coach_server.commands.runner import with_database
from racing_coach_server.commands.text import count
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.converting import RowConverter
from racing_coach_server.telemetry.exceptions import RowsDifferError

log = structlog.stdlib.get_logger(__name__)
console = Console()

_TELLS_S: Final = 10.0
"""Between two lines of the log, where nobody sees the bar."""


@dataclass(slots=True)
class _Tally:
    """How far it came.

    Attributes:
        total: laps to convert, when it began.
        done: converted here.
        others: converted elsewhere, or deleted, meanwhile.
        differ: not converted, with the reason.
    """

    total: int = 0
    done: int = 0
    others: int = 0
    differ: list[RowsDifferError] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return self.done + self.others + len(self.differ)

    def __str__(self) -> str:
        return f"{self.done:,} of {count(self.total, 'lap')} converted"


def convert(
    as_they_are: Annotated[
        bool, typer.Option("--as-they-are", help="Take rows that are not what came from the rig, too.")
    ] = False,
) -> None:
    """Bring laps that an older version stored into today's form, which takes less room.

    It may be stopped at any time and run again, also beside a daemon. The old rows are kept until every lap is
    converted and was read again. Exits with 1 if a lap was not.
    """
    tally = _Tally()

    async def go(database: Database, _: Settings) -> None:
        await _convert(database, tally, as_they_are=as_they_are)
        if not tally.differ:
            await _finish(database)

    try:
        with_database(go, unlimited=True)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        _say(f"stopped: {tally}; `racing-coach db convert` goes on")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except CommandError as error:
        raise CommandError(f"{error}. Until then {tally}; `racing-coach db convert` goes on") from error
    for each in tally.differ:
        _say(f"[red]not converted:[/] {each}")
    if tally.differ:
        _say("they are read from their rows as before; `--as-they-are` takes them, and then the old table goes")
        raise typer.Exit(1)


async def _convert(database: Database, tally: _Tally, *, as_they_are: bool) -> None:
    async with database.transaction() as session:
        laps = await RowConverter(session).laps()
    tally.total = len(laps)
    told = time.monotonic()
    with laps_progress() as progress:
        task = progress.add_task("", total=tally.total)
        for lap_id in laps:
            await _convert_lap(database, tally, lap_id, as_they_are=as_they_are)
            progress.update(task, completed=tally.settled)
            if progress.disable and time.monotonic() - told > _TELLS_S:
                told = time.monotonic()
                log.info("laps converted", done=tally.done, of=tally.total)
    _say(str(tally) if tally.total else "every lap is in the form that this version stores")


async def _convert_lap(database: Database, tally: _Tally, lap_id: UUID, *, as_they_are: bool) -> None:
    try:
        async with database.transaction() as session:
            is_done = await RowConverter(session).convert(lap_id, as_they_are=as_they_are)
    except RowsDifferError as error:
        tally.differ.append(error)
        return
    tally.done, tally.others = tally.done + is_done, tally.others + (not is_done)


async def _finish(database: Database) -> None:
    """Do away with the old table, unless another of these commands is still at work or was here first."""
    async with database.transaction() as session:
        converter = RowConverter(session)
        if not await converter.are_rows_left():
            return
        if left := await converter.count():
            _say(f"{count(left, 'lap')} are in the hands of another `racing-coach db convert`")
            return
        if frames := await converter.frames_without_lap():
            _say(f"{count(frames, 'frame')} of laps that were deleted go with the old table")
        await converter.finish()
    _say("the old table is gone")


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
