"""`racing-coach-rig status`: what waits, and why."""

import typer
from rich.console import Console

from racing_coach_rig.commands import display
from racing_coach_rig.config import load_settings
from racing_coach_rig.outbox.outbox import Outbox


def status() -> None:
    """Show what waits, what was rejected and why, and the accounts. Exits with 1 if a lap was rejected."""
    settings = load_settings()
    with Outbox(settings.outbox) as outbox:
        display.show_status(Console(), settings, outbox)
        raise typer.Exit(1 if outbox.contents().rejected else 0)
