"""`racing-coach analyze`: analyses, compares and coaches stored laps anew."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from racing_coach_server.commands.analyzing.pages import Pages, Tally
from racing_coach_server.commands.analyzing.work import Done, Outcome, Part, Worker
from racing_coach_server.commands.analyzing.workers import Here, Processes
from racing_coach_server.commands.lap_ids import find_lap
from racing_coach_server.commands.progress import EXIT_INTERRUPTED, laps_progress
from racing_coach_server.commands.runner import with_database
from racing_coach_server.commands.text import count, shown
from racing_coach_server.commands.when import WHEN, when
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.exceptions import CommandError

console = Console()


def analyze(
    every: Annotated[bool, typer.Option("--all", help="Every stored lap.")] = False,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help=f"Laps received since then: {WHEN}.")] = None,
    lap_id: Annotated[str | None, typer.Option("--lap", metavar="LAP", help="One lap.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes to do it with.")] = 1,
) -> None:
    """Analyse, compare and coach laps anew, the oldest first; what is said is stored, and not published.

    It may be stopped at any time and run again, also beside a daemon. Exits with 1 if a lap failed.
    """
    if sum((every, since is not None, lap_id is not None)) != 1:
        raise CommandError("say which laps: one of --all, --since and --lap")
    if lap_id is not None:
        _analyze_lap(lap_id)
    else:
        _analyze_laps(when("--since", since), jobs)


def _analyze_lap(text: str) -> None:
    async def go(database: Database, settings: Settings) -> Done:
        async with database.transaction() as session:
            lap = await find_lap(session, text)
        async with Worker(settings) as worker:
            return await worker.do(lap.lap_id, Part.ALL)

    done = with_database(go)
    if done.outcome in {Outcome.FAILED, Outcome.GONE}:
        raise CommandError(f"lap {done.lap_id} failed: {done.detail or 'it is not stored any more'}")
    why = f", and says nothing: {shown(done.detail)}" if done.outcome is Outcome.UNUSABLE else ""
    console.print(f"lap {done.lap_id} is done anew{why}", highlight=False, soft_wrap=True)


def _analyze_laps(since: datetime | None, jobs: int) -> None:
    tally = Tally(0)
    began = time.monotonic()

    async def go(database: Database, settings: Settings) -> None:
        nonlocal tally
        # What comes from now on is the daemon's.
        pages = Pages(database, since, until=datetime.now(UTC))
        tally = await pages.tally()
        workers = Here(settings) if jobs == 1 else Processes(settings, jobs)
        with laps_progress() as progress:
            task = progress.add_task("", total=tally.total)
            async with workers:
                await pages.do(workers, tally, lambda _: progress.update(task, completed=tally.done), jobs=jobs)

    try:
        with_database(go)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        _say(f"stopped: {_summary(tally)}{_how_to_go_on(tally)}")
        _name_failures(tally)
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except CommandError as error:
        until_then = f". Until then {_summary(tally)}{_how_to_go_on(tally)}" if tally.total else ""
        raise CommandError(f"{error}{until_then}") from error
    seconds = time.monotonic() - began
    _say(f"{_summary(tally)}; {tally.done / seconds:.1f} a second")
    _name_failures(tally)
    raise typer.Exit(1 if tally.failed else 0)


def _summary(tally: Tally) -> str:
    said = f"{tally.done:,} of {count(tally.total, 'lap')} done anew"
    facts = (
        (Outcome.UNUSABLE, "could not be analysed, for reasons that `racing-coach laps analyze` tells"),
        (Outcome.GONE, "deleted meanwhile"),
        (Outcome.FAILED, "failed"),
    )
    return "; ".join([said, *(f"{tally.outcomes[each]:,} {words}" for each, words in facts if tally.outcomes[each])])


def _how_to_go_on(tally: Tally) -> str:
    if tally.goes_on is None:
        return ""
    since = f"{tally.goes_on.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"; `racing-coach analyze --since {since}` goes on"


def _name_failures(tally: Tally) -> None:
    for done in tally.failed:
        _say(f"[red]failed[/] {done.lap_id}: {shown(done.detail)}")
    if more := tally.outcomes[Outcome.FAILED] - len(tally.failed):
        _say(f"and {count(more, 'more lap')}")


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
