"""`racing-coach-rig publish`: sends the laps of files, and says what became of each."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from racing_coach_core.codecs.decode import Encoding
from racing_coach_rig.commands import display
from racing_coach_rig.commands.publishing import PublishReport, send_and_wait, spool_files
from racing_coach_rig.config import load_settings
from racing_coach_rig.logging import configure_logging
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.labels import Labels

console = Console()

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
    with Outbox(settings.outbox) as outbox, _progress() as progress:
        reading = progress.add_task("reading", total=len(files))
        report = spool_files(files, labels, outbox, encoding, lambda _: progress.advance(reading))
        if report.laps:
            sending = progress.add_task("sending", total=len(report.laps))

            def show(report: PublishReport) -> None:
                answered = sum(lap.is_answered for lap in report.laps)
                text = f"waiting: {report.trouble}" if report.trouble else "sending"
                progress.update(sending, completed=answered, description=text)

            asyncio.run(send_and_wait(settings, outbox, report, timeout_s=timeout, progress=show))
    display.show_report(console, report, settings)
    raise typer.Exit(0 if report.all_stored else 1)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
