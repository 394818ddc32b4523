"""`racing-coach db prune`: deletes laps that were received long ago."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.commands.stoppable import bar, say, stoppable
from racing_coach_server.commands.text import count
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.features import FEATURES
from racing_coach_server.kept import Dependents
from racing_coach_server.lifecycle.pruning import OldLaps, Pruning
from racing_coach_server.lifecycle.sweep import Sweep

_AGE: Final = re.compile(r"([1-9][0-9]{0,5})(h|d|w)", re.ASCII)
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def prune(
    older_than: Annotated[str, typer.Option(metavar="AGE", help="365d, 12w or 48h: laps received longer ago.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
) -> None:
    """Delete laps that were received long ago, with their frames and all that was made of them.

    Laps that drivers chose for reference stay. It may be stopped at any time and run again, also beside a daemon.
    RACING_COACH_RETENTION__KEEP_DAYS has the daemon do the same by itself.
    """
    before = datetime.now(UTC) - _age(older_than)
    gone: Counter[str] = Counter()

    async def go(database: Database, settings: Settings) -> OldLaps:
        async with database.transaction() as session:
            old = await Pruning(session).count(before)
        if not dry_run:
            await _delete(database, settings, before, old, gone)
        return old

    old = stoppable(go, lambda: f"{_summary(gone)} deleted; the same command goes on")
    chosen = f"; {count(old.chosen, 'lap')} kept, since drivers chose them for reference" if old.chosen else ""
    if dry_run:
        first = "" if old.first is None else f", the first of {old.first.astimezone(UTC):%Y-%m-%d}"
        say(f"{_summary(Counter(laps=old.laps, frames=old.frames))} would be deleted{first}{chosen}")
    else:
        say(f"{_summary(gone)} deleted, received before {before:%Y-%m-%d %H:%M} UTC{chosen}")


async def _delete(database: Database, settings: Settings, before: datetime, old: OldLaps, gone: Counter[str]) -> None:
    async def find(session: AsyncSession) -> Sequence[UUID]:
        return await Pruning(session).next(before)

    with Dependencies(settings) as dependencies, bar("laps") as progress:
        task = progress.add_task("", total=old.laps)
        features = [make(dependencies) for make in FEATURES]

        def told(these: Counter[str]) -> None:
            gone.update(these)
            progress.update(task, completed=gone["laps"])

        await Sweep(database, features, Dependents.KEEP, told=told).run(find)


def _age(text: str) -> timedelta:
    """How long ago.

    >>> _age("365d").days, _age("2w").days
    (365, 14)
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise CommandError(f"--older-than {text!r} is no age such as 365d, 12w or 48h")
    return int(found[1]) * _UNITS[found[2]]


def _summary(gone: Counter[str]) -> str:
    return f"{count(gone['laps'], 'lap')} of {count(gone['frames'], 'frame')}"
