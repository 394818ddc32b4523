"""`racing-coach db distribute`: has Citus lay the database over all its nodes."""

import time
from typing import Annotated

import typer

from racing_coach_server.commands.runner import run_async
from racing_coach_server.commands.text import count
from racing_coach_server.config import load_settings
from racing_coach_server.database.cluster import Cluster
from racing_coach_server.database.distribute import SHARDS, Step
from racing_coach_server.database.distribute_db import distribute_database
from racing_coach_server.database.faults import in_words
from racing_coach_server.exceptions import CommandError
from racing_coach_server.logging import configure_logging
from racing_coach_server.tables import metadata


def distribute(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, say what would be done, and do nothing.")] = False,
    shards: Annotated[
        int, typer.Option(min=1, max=1024, help="Pieces of the frames: the most nodes that they can lie on one day.")
    ] = SHARDS,
) -> None:
    """Lay a migrated database, on a coordinator of Citus, over all its nodes. Run again, it does what is missing.

    All of it is one transaction. Daemons may run meanwhile: laps wait until it is done.
    """
    settings = load_settings()
    configure_logging(settings.log)
    teller = Teller(dry_run=dry_run)
    try:
        cluster, todo = run_async(
            distribute_database(settings.database, metadata, shards=shards, dry_run=dry_run, tell=teller.placed)
        )
    except (CommandError, OSError):
        raise
    except Exception as error:
        if hasattr(error, "fault"):
            raise
        raise CommandError(f"the database was not distributed, and is as it was: {in_words(error)}") from error
    typer.echo(teller.summary(cluster, len(todo)))


class Teller:
    """Says what is done while it is done."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._since = time.monotonic()

    def placed(self, step: Step) -> None:
        """One table lies where it belongs."""
        now = time.monotonic()
        took = (
            f"would lie {step.place}: {step.statement}" if self._dry_run else f"{step.place}, {now - self._since:.1f} s"
        )
        typer.echo(f"{step.table}: {took}")
        self._since = now

    def summary(self, cluster: Cluster, tables: int) -> str:
        """The last line."""
        nodes = ", ".join(map(str, cluster.nodes))
        on = f"on {count(len(cluster.nodes), 'node')} of Citus {cluster.citus} ({nodes})"
        if not tables:
            return f"nothing to do: {count(len(cluster.places), 'table')} lie where they belong, {on}"
        return f"{count(tables, 'table')} {'would be' if self._dry_run else 'are'} distributed {on}"
