"""`racing-coach-rig rejected`: laps that the daemon rejected, set aside on this rig."""

from typing import Annotated

import typer
from rich.console import Console

from racing_coach_rig.commands import display
from racing_coach_rig.config import load_settings
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox

rejected = typer.Typer(no_args_is_help=True, help="Laps that the daemon rejected.")
console = Console()


@rejected.command("list")
def list_rejected() -> None:
    """Show the rejected laps with the reasons."""
    with Outbox(load_settings().outbox) as outbox:
        display.show_rejected(console, outbox.entries(State.REJECTED))


@rejected.command("retry")
def retry() -> None:
    """Send the rejected laps again."""
    with Outbox(load_settings().outbox) as outbox:
        count = outbox.retry_rejected()
    console.print(f"{display.laps(count)} to be sent again; `racing-coach-rig run` sends them")


@rejected.command("drop")
def drop(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the rejected laps from this rig's disk, for good."""
    with Outbox(load_settings().outbox) as outbox:
        count = outbox.contents().rejected
        if count and not yes:
            typer.confirm(f"Rejected: {display.laps(count)}. Take them off this disk?", abort=True)
        console.print(f"{display.laps(outbox.drop_rejected())} dropped")
