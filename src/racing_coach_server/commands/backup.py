"""`racing-coach backup` and `racing-coach restore`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from racing_coach_server.backup import watching
from racing_coach_server.backup.dump import Dump
from racing_coach_server.backup.exceptions import DamagedBackupError
from racing_coach_server.backup.manifest import Manifest, read_manifest
from racing_coach_server.backup.records import record
from racing_coach_server.backup.restore import Restore
from racing_coach_server.backup.verify import Verified, verify
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.runner import in_transaction, with_database
from racing_coach_server.commands.text import count, moment, shown
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database

FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="Of this one backup.")]


def backup(
    folder: FolderArgument,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Tables that are read at once.")] = 1,
    anyway: Annotated[bool, typer.Option("--anyway", help="Begin although the disk may not do.")] = False,
) -> None:
    """Back the whole database up into a folder, while the daemon goes on: the state of one moment.

    It is made by PostgreSQL's pg_dump (directory format), and `racing-coach restore` puts it back.
    """
    began = time.monotonic()

    async def go(_: Database, settings: Settings) -> Manifest:
        with _bar("bytes, at most", DownloadColumn()) as progress:
            return await Dump(settings, folder, jobs, anyway).make(progress)

    manifest = with_database(go)
    in_transaction(lambda session, _: record(session, manifest, folder))
    laps = f"{count(manifest.laps, 'lap')}, {count(manifest.frames, 'frame')}"
    remark(f"backed up in {time.monotonic() - began:.1f} s: {laps}, as of {moment(manifest.taken_at)}")
    remark(f"`racing-coach restore {shown(str(folder))}` puts it into an empty database")


def restore(
    folder: FolderArgument,
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Restore nothing: look at what the database holds.")
    ] = False,
) -> None:
    """Restore a backup into a database without laps, and look at every lap of it in the end.

    No daemon may run meanwhile; what rigs send waits in broker and rigs. It is all or nothing: a restore that is
    killed leaves the database empty, and is run again. Exits with 1 if a lap is not what it was.
    """
    manifest = read_manifest(folder)
    remark(f"a backup of {moment(manifest.taken_at)}: {count(manifest.laps, 'lap')}, {count(manifest.frames, 'frame')}")

    async def go(_: Database, settings: Settings) -> None:
        with _bar("bytes, about", DownloadColumn()) as progress:
            await Restore(settings, folder).do(progress)

    async def look(database: Database, _: Settings) -> Verified:
        with _bar("laps looked at", MofNCompleteColumn()) as progress:
            return await verify(database, progress)

    began = time.monotonic()
    if not verify_only:
        with_database(go)
        remark(f"restored in {time.monotonic() - began:.1f} s; now each lap is looked at")
    _judge(manifest, with_database(look))


def _judge(manifest: Manifest, found: Verified) -> None:
    """Say what was found.

    Raises:
        DamagedBackupError: the database does not hold what the backup says.
    """
    for lap_id, why in found.damaged.items():
        remark(f"[red]damaged[/] {lap_id}: {shown(why)}")
    if found.damaged_count:
        raise DamagedBackupError(
            f"{found.damaged_count:,} of {count(found.laps, 'lap')} are not what they were; restore an older backup "
            "into another database, or take these away with `racing-coach laps delete`"
        )
    if (found.laps, found.frames) != (manifest.laps, manifest.frames):
        raise DamagedBackupError(
            f"the database holds {count(found.laps, 'lap')} with {count(found.frames, 'frame')}, the backup "
            f"{count(manifest.laps, 'lap')} with {count(manifest.frames, 'frame')}"
        )
    remark(f"{count(found.laps, 'lap')}, {count(found.frames, 'frame')}: every lap is what it was when it came")


@contextmanager
def _bar(what: str, column: DownloadColumn | MofNCompleteColumn) -> Iterator[watching.Progress]:
    """A bar on a terminal; elsewhere a line every half minute."""
    console = Console(stderr=True)
    said_at = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said_at
        bar.update(task, completed=done, total=max(total, done, 1))
        if not console.is_terminal and time.monotonic() - said_at > _QUIET_S:
            said_at = time.monotonic()
            remark(f"{done:,} of {total:,} {what}")

    columns = (TextColumn(what), BarColumn(), column, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield tell


_QUIET_S = 30.0
