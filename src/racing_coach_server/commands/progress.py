"""How far a command has come that goes over many laps."""

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EXIT_INTERRUPTED: Final = 130
"""As shells have it: 128 and the number of the signal."""


def laps_progress() -> Progress:
    """A bar on the terminal, if there is one; gone when it is done."""
    errors = Console(stderr=True)
    return Progress(
        TextColumn("laps"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
