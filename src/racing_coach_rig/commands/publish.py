"""`racing-coach-rig publish`: sends the laps of files, and says what became of each."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_rig.commands.publish_report import show_report
from racing_coach_rig.commands.publishing import PublishReport, send_and_wait
from racing_coach_rig.commands.spooling import Spooler
from racing_coach_rig.config import load_settings
from racing_coach_rig.logging import configure_logging
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.labels import UNKNOWN, Labels

console = Console()

EXIT_INTERRUPTED: Final = 130
"""As shells have it: 128 and the number of the signal."""

_COUNTS_MORE = "whatever a CSV or .ibt or its name says; a lap as JSON or Arrow keeps its own"


def publish(  # noqa: PLR0917 (Typer's options)
    files: Annotated[list[Path], typer.Argument(help="Garage 61 CSV, iRacing .ibt, or a lap as JSON or Arrow.")],
    track: Annotated[str | None, typer.Option(help=f"The track, {_COUNTS_MORE}.")] = None,
    car: Annotated[str | None, typer.Option(help=f"The car, {_COUNTS_MORE}.")] = None,
    recorded_at: Annotated[
        datetime | None, typer.Option(help=f"When the first frame was driven, UTC, {_COUNTS_MORE}.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Send JSON, compressed, instead of Arrow.")] = False,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds without an answer.")] = 60.0,
    unknown_ok: Annotated[
        bool, typer.Option("--unknown-ok", help="Send laps of which nobody says the track or the car, as `unknown`.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every note on every file.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
) -> None:
    """Publish laps, wait for the answers, and say what became of each.

    Exits with 0 only if every file gave laps and every lap is stored.
    """
    configure_logging(logging.ERROR)
    settings = load_settings()
    encoding = Encoding.JSON if json else settings.sending.encoding
    if recorded_at is not None and recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    labels = Labels(track=track, car=car, recorded_at=recorded_at, driver=settings.driver, rig=settings.rig)
    report, stopped = PublishReport(), False
    with Outbox(settings.outbox) as outbox, _progress() as progress:
        ask = _Asking(progress) if sys.stdin.isatty() else None
        spooler = Spooler(
            labels, encoding, outbox=None if dry_run else outbox, ask=_leave_unknown if unknown_ok or dry_run else ask
        )
        try:
            reading = progress.add_task("reading", total=len(files))
            spooler.spool(files, report, lambda _: progress.advance(reading))
            if report.laps:
                shown = _Sending(progress, len(report.laps))
                asyncio.run(send_and_wait(settings, outbox, report, timeout_s=timeout, progress=shown.show))
        except KeyboardInterrupt:
            stopped = True
    show_report(console, report, settings, verbose=verbose)
    if dry_run:
        raise typer.Exit(1 if report.unreadable or report.without_lap else 0)
    if stopped:
        raise typer.Exit(EXIT_INTERRUPTED)
    raise typer.Exit(0 if report.all_stored else 1)


def _leave_unknown(_path: Path, _what: str) -> str:
    return UNKNOWN


class _Asking:
    """Asks the driver, between two steps of the bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, path: Path, what: str) -> str:
        """The answer; Enter leaves it unknown."""
        self._progress.stop()
        try:
            question = f"{path.name}: which {what}? (Enter: unknown)"
            answer: str = typer.prompt(question, default=UNKNOWN, show_default=False)
        finally:
            self._progress.start()
        return answer.strip() or UNKNOWN


class _Sending:
    """The bar of what is answered, and above it why nothing is."""

    def __init__(self, progress: Progress, laps: int) -> None:
        self._progress = progress
        self._task = progress.add_task("sending", total=laps)
        self._said: str | None = None

    def show(self, report: PublishReport) -> None:
        """Whole and once: a reason in the bar's line would be cut off at the terminal's edge."""
        answered = sum(lap.is_answered for lap in report.laps)
        if report.trouble and report.trouble != self._said:
            self._progress.console.print(
                f"[yellow]waiting[/]: {escape(report.trouble)}; what is sent is on disk, Ctrl-C loses nothing",
                highlight=False,
                soft_wrap=True,
            )
        self._said = report.trouble
        description = "waiting" if report.trouble else "sending"
        self._progress.update(self._task, completed=answered, description=description)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
