"""`racing-coach export`: all data of a driver, or of a rig, as files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from racing_coach_server.commands.stoppable import bar, say, stoppable
from racing_coach_server.commands.subject import DriverOption, RigOption, subject_of
from racing_coach_server.commands.text import count, plain, shown
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.features import FEATURES
from racing_coach_server.lifecycle.exporting import Export, Exported


def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write to.")],
    driver: DriverOption = None,
    rig: RigOption = None,
) -> None:
    """Write all data of a driver, or of a rig: each lap as Parquet, and as JSON what else is kept of it.

    It may be stopped at any time and run again: laps that are there are not written again.
    """
    subject = subject_of(driver, rig)
    so_far = Exported()

    async def go(database: Database, settings: Settings) -> Exported:
        with Dependencies(settings) as dependencies, bar("laps") as progress:
            task = progress.add_task("", total=None)

            def told(done: Exported) -> None:
                so_far.written, so_far.there, so_far.rejected = done.written, done.there, done.rejected
                progress.update(task, total=done.total, completed=done.written + done.there)

            features = [make(dependencies) for make in FEATURES]
            return await Export(database, features, subject, output, settings.limits.decoded_bytes, told).run()

    done = stoppable(go, lambda: f"{_words(so_far)}; the same command goes on", is_for_reading=True)
    say(f"{_words(done)} of {escape(plain(subject.words))} are in {shown(str(output))}")


def _words(done: Exported) -> str:
    there = f" ({done.there:,} were there)" if done.there else ""
    return f"{count(done.written + done.there, 'lap')}{there} and {count(done.rejected, 'rejected message')}"
