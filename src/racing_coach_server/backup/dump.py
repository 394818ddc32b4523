"""Making a backup: pg_dump's directory format, of one moment, while daemons go on."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.backup import compression
from racing_coach_server.backup.exceptions import NoBackupError
from racing_coach_server.backup.manifest import BEGUN, DUMP, NAME, Manifest
from racing_coach_server.backup.programs import environment, find_program, run_program
from racing_coach_server.backup.server import Server, look_at
from racing_coach_server.backup.standstill import hold_still
from racing_coach_server.backup.watching import Progress, watched
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.init_db import current_revision, head_revision

_COUNT: Final = text("select count(*), coalesce(sum(frame_count), 0)::bigint from laps")
_ONE_MOMENT: Final = text("set transaction isolation level repeatable read read only")
_SNAPSHOT: Final = text("select pg_export_snapshot()")


@dataclass(frozen=True, slots=True)
class Dump:
    """One backup to be made."""

    settings: Settings
    folder: Path
    jobs: int
    anyway: bool
    """Whether to begin although the disk may not do."""

    async def make(self, progress: Progress) -> Manifest:
        """Make it.

        Raises:
            BackupError: it cannot be made; what was begun is marked as such, and replaced by the next one.
        """
        engine = create_engine(
            self.settings.database, pool_size=2, application="racing-coach backup", is_for_migrations=True
        )
        try:
            revision = await current_revision(engine)
            if revision is None or revision != head_revision():
                raise NoBackupError(
                    f"the database is at revision {revision}: bring it to this version first, with "
                    "`racing-coach db upgrade`"
                )
            async with engine.begin() as beside, engine.connect() as connection:
                await hold_still(beside)
                await connection.execute(_ONE_MOMENT)
                server = await look_at(connection)
                program = find_program("pg_dump", server.version, self.settings.backup.programs)
                self._prepare(server)
                manifest = await _manifest(connection, server, revision)
                snapshot = str((await connection.execute(_SNAPSHOT)).scalar_one())
                await self._dump(program, snapshot, server, progress)
        finally:
            await engine.dispose()
        (self.folder / NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (self.folder / BEGUN).unlink()
        return manifest

    def _prepare(self, server: Server) -> None:
        """An empty folder with room in it.

        Raises:
            NoBackupError: something else is in it, or too little room.
        """
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = {one.name for one in folder.iterdir()}
            if there and BEGUN not in there:
                raise NoBackupError(f"{folder} is not empty: give each backup a folder of its own")
            (folder / BEGUN).touch()
            shutil.rmtree(folder / DUMP, ignore_errors=True)
            (folder / NAME).unlink(missing_ok=True)
        except OSError as error:
            raise NoBackupError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
        free = shutil.disk_usage(folder).free
        if free < server.table_bytes and not self.anyway:
            raise NoBackupError(
                f"the tables take {server.table_bytes:,} bytes and {folder} has {free:,} free. Compressed, a backup is "
                "smaller as a rule: --anyway begins all the same"
            )

    async def _dump(self, program: Path, snapshot: str, server: Server, progress: Progress) -> None:
        arguments = [
            "--format=directory",
            f"--file={self.folder / DUMP}",
            f"--jobs={self.jobs}",
            f"--snapshot={snapshot}",
            "--compress=1",
            "--no-owner",
            "--no-privileges",
            *compression.OPTIONS,
        ]
        way = environment(self.settings.database, "racing-coach backup")
        async with watched(progress, lambda: _size(self.folder / DUMP), server.table_bytes):
            await run_program(program, arguments, way)


async def _manifest(connection: AsyncConnection, server: Server, revision: str) -> Manifest:
    laps, frames = (await connection.execute(_COUNT)).one()
    return Manifest(
        taken_at=datetime.now(UTC),
        racing_coach=VERSION,
        revision=revision,
        postgresql=server.version,
        timescaledb=server.timescaledb if server.has_hypertables else None,
        laps=laps,
        frames=frames,
        database_bytes=server.database_bytes,
    )


async def _size(folder: Path) -> int:
    """Of what is in a folder by now."""
    total = 0
    for one in folder.glob("*"):
        try:
            total += one.stat().st_size
        except FileNotFoundError:
            continue  # renamed meanwhile
    return total
