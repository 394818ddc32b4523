"""The command `racing-coach`."""

import sys
from importlib.metadata import entry_points
from typing import Annotated, Final

import structlog
import typer
from rich.console import Console
from rich.markup import escape

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.app import App
from racing_coach_server.commands.analyze import analyze
from racing_coach_server.commands.coaching import coaching
from racing_coach_server.commands.doctor import doctor
from racing_coach_server.commands.end_session import end_session
from racing_coach_server.commands.erase import erase
from racing_coach_server.commands.export import export
from racing_coach_server.commands.lap_analysis import analyze_lap, compare_lap
from racing_coach_server.commands.laps import laps
from racing_coach_server.commands.prune import prune
from racing_coach_server.commands.references import references
from racing_coach_server.commands.rejected import rejected
from racing_coach_server.commands.runner import run_async
from racing_coach_server.commands.tracks import tracks
from racing_coach_server.config import VERSION, load_settings
from racing_coach_server.database.faults import in_words
from racing_coach_server.database.init_db import head_revision, upgrade_database
from racing_coach_server.exceptions import ClientIdInUseError, CommandError, ConfigurationError, MigrationError
from racing_coach_server.logging import configure_logging

log = structlog.stdlib.get_logger(__name__)

EXIT_CONFIGURATION: Final = 78
"""EX_CONFIG of sysexits.h: starting again does not help; the systemd unit does not try."""

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps every lap a sim racer finishes.",
)
db = typer.Typer(no_args_is_help=True, help="The database: its schema, and how long laps are kept.")
cli.add_typer(db, name="db")
cli.add_typer(laps, name="laps")
cli.add_typer(rejected, name="rejected")
cli.add_typer(tracks, name="tracks")
cli.add_typer(coaching, name="coaching")
cli.add_typer(references, name="references")
cli.command()(doctor)
cli.command()(end_session)
cli.command()(analyze)
cli.command()(erase)
cli.command()(export)
db.command()(prune)
laps.command("analyze")(analyze_lap)
laps.command("compare")(compare_lap)


def _version(value: bool) -> None:
    if value:
        typer.echo(VERSION)
        raise typer.Exit


@cli.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@cli.command()
def serve() -> None:
    """Run the daemon until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.log)

    async def daemon() -> None:
        await App(settings).run()

    try:
        run_async(daemon())
    except (ClientIdInUseError, ConfigurationError, MigrationError) as error:
        log.critical("stopped for good", reason=str(error))
        raise typer.Exit(EXIT_CONFIGURATION) from error
    except RacingCoachError as error:
        log.critical("stopped", reason=str(error))
        raise typer.Exit(1) from error


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to what this version needs."""
    settings = load_settings()
    configure_logging(settings.log)

    try:
        current = run_async(upgrade_database(settings.database))
    except RacingCoachError:
        raise
    except Exception as error:
        raise CommandError(
            f"the database was not upgraded: {in_words(error)}; check RACING_COACH_DATABASE__URL"
        ) from error
    typer.echo(f"the database is at revision {current}, this version needs {head_revision()}")


def main() -> None:
    """Entry point. Further commands come from the entry points `racing_coach.commands`."""
    for point in entry_points(group="racing_coach.commands"):
        try:
            command = point.load()
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("racing_coach"):
                raise
            continue  # its extra is not installed
        cli.command(point.name)(command)
    try:
        cli()
    except RacingCoachError as error:
        # One line in the journal, and what is in brackets is no markup of ours.
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
