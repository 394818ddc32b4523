"""`racing-coach db`: the database's schema."""

import typer

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import load_settings
from racing_coach_server.database.faults import in_words
from racing_coach_server.database.init_db import head_revision, upgrade_database
from racing_coach_server.exceptions import CommandError
from racing_coach_server.logging import configure_logging
from racing_coach_server.tables import metadata


def upgrade() -> None:
    """Bring the database to what this version needs."""
    settings = load_settings()
    configure_logging(settings.log)

    try:
        current = run_async(upgrade_database(settings.database, metadata))
    except RacingCoachError:
        raise
    except Exception as error:
        raise CommandError(
            f"the database was not upgraded: {in_words(error)}; check RACING_COACH_DATABASE__URL"
        ) from error
    typer.echo(f"the database is at revision {current}, this version needs {head_revision()}")
