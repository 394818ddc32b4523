"""`racing-coach serve`: the daemon."""

import structlog
import typer

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_core.shown_settings import DEFAULT, shown_settings
from racing_coach_server.app import App
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import Settings, load_settings
from racing_coach_server.database_settings import SHOWN_SECRETS
from racing_coach_server.exceptions import (
    EXIT_CONFIGURATION,
    ClientIdInUseError,
    ConfigurationError,
    MigrationError,
)
from racing_coach_server.logging import configure_logging
from racing_coach_server.memory import keep_freed_memory

log = structlog.stdlib.get_logger(__name__)


def _say_where_from(settings: Settings) -> None:
    if not settings.mqtt.password:
        log.warning("no password is set for the broker", setting="RACING_COACH_MQTT__PASSWORD")
    for one in shown_settings(settings, SHOWN_SECRETS):
        if one.origin != DEFAULT:
            log.debug("setting", name=one.name, value=one.value, origin=one.origin)


def serve() -> None:
    """Run the daemon until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.log)
    _say_where_from(settings)
    keep_freed_memory()

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
