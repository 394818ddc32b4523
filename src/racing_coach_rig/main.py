"""The command `racing-coach-rig`."""

import asyncio
import contextlib
import logging
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from racing_coach_core.codecs.decode import Encoding
from racing_coach_core.exceptions import RacingCoachError
from racing_coach_rig.commands import display
from racing_coach_rig.commands.publish import PublishReport, send_and_wait, spool_files
from racing_coach_rig.commands.run import run as run_rig
from racing_coach_rig.config import load_settings
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.labels import Labels

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sends every finished lap, and keeps it on disk until it is stored.",
)
rejected = typer.Typer(no_args_is_help=True, help="Laps that the daemon rejected.")
cli.add_typer(rejected, name="rejected")
console = Console()

_COUNTS_MORE = "whatever a CSV or .ibt or its name says; a lap as JSON or Arrow keeps its own"


def _configure_logging(level: int) -> None:
    plain = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *((structlog.dev.ConsoleRenderer(),) if sys.stderr.isatty() else plain),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("mqtt").setLevel(logging.ERROR)


@cli.command()
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
    _configure_logging(logging.ERROR)
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


@cli.command()
def run(
    watch: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder in which laps appear, as .ibt, CSV, JSON or Arrow, also below it; may be given several times.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Live iRacing telemetry (Windows).")] = False,
    simulate: Annotated[int | None, typer.Option(help="A simulated driver with this seed, in real time.")] = None,
) -> None:
    """Find finished laps and send them until stopped; also sends what is still on disk."""
    _configure_logging(logging.INFO)
    settings = load_settings()

    async def main(outbox: Outbox) -> None:
        task = asyncio.current_task()
        assert task is not None
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await run_rig(settings, outbox, watch=watch or [], live=live, simulate=simulate)

    with Outbox(settings.outbox) as outbox, contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main(outbox))


@cli.command()
def status() -> None:
    """Show what waits, what was rejected and why, and the accounts. Exits with 1 if a lap was rejected."""
    settings = load_settings()
    with Outbox(settings.outbox) as outbox:
        display.show_status(console, settings, outbox)
        raise typer.Exit(1 if outbox.contents().rejected else 0)


@rejected.command("list")
def rejected_list() -> None:
    """Show the rejected laps with the reasons."""
    with Outbox(load_settings().outbox) as outbox:
        display.show_rejected(console, outbox.entries(State.REJECTED))


@rejected.command("retry")
def rejected_retry() -> None:
    """Send the rejected laps again."""
    with Outbox(load_settings().outbox) as outbox:
        count = outbox.retry_rejected()
    console.print(f"{display.laps(count)} to be sent again; `racing-coach-rig run` sends them")


@rejected.command("drop")
def rejected_drop(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the rejected laps from this rig's disk, for good."""
    with Outbox(load_settings().outbox) as outbox:
        if not yes:
            typer.confirm(f"Rejected: {display.laps(outbox.contents().rejected)}. Take them off this disk?", abort=True)
        console.print(f"{display.laps(outbox.drop_rejected())} dropped")


def main() -> None:
    """Entry point."""
    try:
        try:
            cli()
        except BaseExceptionGroup as group:
            raise _first(group) from None
    except RacingCoachError as error:
        # What is in brackets is no markup of ours, and a path is not to be broken.
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
