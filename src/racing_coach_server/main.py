"""The command `racing-coach`."""

import asyncio
import sys
from importlib.metadata import entry_points
from typing import Annotated

import structlog
import typer
from rich.console import Console

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_core.mqtt import SessionTakenOverError
from racing_coach_server.app import App
from racing_coach_server.config import VERSION, load_settings
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.faults import in_words
from racing_coach_server.database.init_db import current_revision, head_revision, upgrade
from racing_coach_server.exceptions import ClientIdInUseError, ConfigurationError
from racing_coach_server.logging import configure_logging

log = structlog.stdlib.get_logger(__name__)

EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h: starting again does not help; the systemd unit does not try."""

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps every lap a sim racer finishes.",
)
db = typer.Typer(no_args_is_help=True, help="The database's schema.")
cli.add_typer(db, name="db")


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


def run_async[T](main: "asyncio._CoroutineLike[T]") -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


@cli.command()
def serve() -> None:
    """Run the daemon until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.log)

    async def daemon() -> None:
        await App(settings).run()

    try:
        run_async(daemon())
    except (ClientIdInUseError, SessionTakenOverError, ConfigurationError) as error:
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

    async def go() -> tuple[str | None, str | None]:
        engine = create_engine(settings.database, pool_size=1, application="racing-coach db upgrade")
        try:
            await upgrade(engine)
            return await current_revision(engine), head_revision()
        finally:
            await engine.dispose()

    try:
        current, head = run_async(go())
    except RacingCoachError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the database was not upgraded: {in_words(error)}; check RACING_COACH_DATABASE__URL"
        ) from error
    typer.echo(f"the database is at revision {current}, this version needs {head}")


def main() -> None:
    """Entry point: further commands come from the entry points `racing_coach.commands`."""
    for point in entry_points(group="racing_coach.commands"):
        try:
            cli.command(point.name)(point.load())
        except ImportError:
            continue  # its extra is not installed
    try:
        cli()
    except RacingCoachError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False)
        sys.exit(EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
