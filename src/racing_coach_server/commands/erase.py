"""`racing-coach erase`: all data of a driver, or of a rig, is gone for good."""

from collections import Counter
from datetime import UTC
from typing import Annotated, Final

import typer
from rich.markup import escape

from racing_coach_server.commands.stoppable import bar, say, stoppable
from racing_coach_server.commands.subject import DriverOption, RigOption, subject_of
from racing_coach_server.commands.text import count, plain
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.features import FEATURES
from racing_coach_server.lifecycle.erasure import COUNTED, Erasure, Found
from racing_coach_server.lifecycle.models import ErasureRecord

_NOUNS: Final = {"rejected": "rejected messages", "references": "chosen references", "coaching": "coaching messages"}
_NAMED: Final = 10


def erase(
    driver: DriverOption = None,
    rig: RigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
) -> None:
    """Erase all data of a driver, or of a rig: laps with all that was made of them, choices, rejected messages.

    It may be stopped at any time and run again, also beside a daemon. What was erased is noted with a hash of the name
    and with numbers, no more; of each lap ids and hashes, by which it is known if its rig sends it again. A lap that
    came never before is stored as a new one.
    """
    subject = subject_of(driver, rig)
    gone: Counter[str] = Counter()

    async def go(database: Database, settings: Settings) -> tuple[Found, ErasureRecord | None]:
        with Dependencies(settings) as dependencies, bar("laps and rejected messages") as progress:
            erasure = Erasure(
                database, [make(dependencies) for make in FEATURES], subject, settings.limits.decoded_bytes
            )
            found = await erasure.count()
            if dry_run:
                return found, None
            task = progress.add_task("", total=found.rows["laps"] + found.rows["rejected"])

            def told(these: Counter[str]) -> None:
                gone.update(these)
                progress.update(task, completed=gone["laps"] + gone["rejected"])

            erasure.told = told
            return found, await erasure.run()

    found, record = stoppable(go, lambda: f"erased {_words(gone)}; the same command goes on")
    who = escape(plain(subject.words))
    if record is None:
        _say_dry(who, found)
        return
    total = Counter({name: getattr(record, f"{name}_erased") for name in COUNTED})
    say(f"erased of {who}: {_words(total)}; this is noted as erasure {record.id}, without the name")
    _say_unreadable(found)


def _say_dry(who: str, found: Found) -> None:
    say(f"of {who} there are {_words(found.rows)}; nothing was erased")
    if others := found.rows["comparisons of other laps"]:
        say(f"{count(others, 'comparison')} of other drivers' laps with theirs would be made anew")
    for record in found.before:
        ended = (
            "is not finished" if record.ended_at is None else f"ended {record.ended_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        )
        say(f"erasure {record.id} of {who} {ended}: {record.laps_erased:,} laps")


def _say_unreadable(found: Found) -> None:
    if found.unreadable:
        some = ", ".join(map(str, found.unreadable[:_NAMED])) + (", ..." if len(found.unreadable) > _NAMED else "")
        say(
            f"{count(len(found.unreadable), 'rejected message')} cannot be read, so whose they are cannot be told, and "
            f"they stay ({some}): `racing-coach erase --rig` takes all of a rig"
        )


def _words(rows: Counter[str]) -> str:
    """What there is of everything."""
    return ", ".join(f"{rows[name]:,} {_NOUNS.get(name, name)}" for name in COUNTED)
