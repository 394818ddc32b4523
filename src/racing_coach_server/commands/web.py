"""`racing-coach web`: the pages."""

import asyncio

import structlog
import typer

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.config import load_settings
from racing_coach_server.exceptions import EXIT_CONFIGURATION, ConfigurationError
from racing_coach_server.logging import configure_logging
from racing_coach_server.web.server import serve_pages

log = structlog.stdlib.get_logger(__name__)


def web() -> None:
    """Serve the pages and the API for reading until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.log)
    try:
        # Not on uvloop: nothing here is that fast, and it takes 3 MB.
        asyncio.run(serve_pages(settings))
    except ConfigurationError as error:
        log.critical("stopped for good", reason=str(error))
        raise typer.Exit(EXIT_CONFIGURATION) from error
    except RacingCoachError as error:
        log.critical("stopped", reason=str(error))
        raise typer.Exit(1) from error
