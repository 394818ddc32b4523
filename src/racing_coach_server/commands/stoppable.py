"""Long work at the command line: a bar while it goes on, and one sentence if it is stopped or fails in the middle."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from racing_coach_server.commands.runner import with_database
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.exceptions import CommandError

EXIT_INTERRUPTED: Final = 130
"""As shells have it: 128 and the number of the signal."""

console = Console()


def say(sentence: str) -> None:
    """A sentence, however long, in one line."""
    console.print(sentence, highlight=False, soft_wrap=True)


@contextmanager
def bar(noun: str) -> Iterator[Progress]:
    """Progress on standard error, if that is a terminal."""
    errors = Console(stderr=True)
    columns = (TextColumn(noun), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield progress


def stoppable[T](
    work: Callable[[Database, Settings], Awaitable[T]], so_far: Callable[[], str], *, is_for_reading: bool = False
) -> T:
    """Do work in as many transactions as it takes.

    Args:
        work: what is done.
        so_far: what was done when it was stopped, and how to go on.
        is_for_reading: at the read replica, where there is one.

    Raises:
        CommandError: the database is not reached, or refuses; it says what was done until then.
        Exit: it was stopped, with 130.
    """
    try:
        return with_database(work, is_for_reading=is_for_reading)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        say(f"stopped: {so_far()}")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except CommandError as error:
        raise CommandError(f"{error}. Until then: {so_far()}") from error
