"""Restoring a backup: into a database without laps, with daemons kept away, and each lap looked at in the end."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from racing_coach_server.backup.compression import compress_frames, way_of_restore
from racing_coach_server.backup.exceptions import NotRestorableError
from racing_coach_server.backup.manifest import Manifest, read_manifest, readable
from racing_coach_server.backup.programs import environment, find_program, run_program
from racing_coach_server.backup.server import OURS, Server, look_at, others_at_work
from racing_coach_server.backup.watching import Progress, watched
from racing_coach_server.config import Settings
from racing_coach_server.database.backup_record import BackupRecord
from racing_coach_server.database.cluster import look
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.init_db import (
    drop_schema,
    hold_back_upgrades,
    is_known_revision,
    upgrade_database,
)
from racing_coach_server.database.server import data_directory, has_lz4
from racing_coach_server.following.models import LockSlot
from racing_coach_server.tables import metadata
from racing_coach_server.telemetry.models import LapRecord

_LEFT_TO_US: Final = (" EXTENSION ", " COMMENT - EXTENSION ")
"""Entries of an archive that are not restored: extensions are the operator's, and there before."""

_CATALOGUE: Final = " _timescaledb_"
"""What TimescaleDB keeps of itself, where it keeps no table of ours: the one that is there has its own."""

_ROLE: Final = text("select current_user, rolsuper from pg_roles where rolname = current_user")
_AVAILABLE: Final = text("select default_version from pg_available_extensions where name = 'timescaledb'")


@dataclass(frozen=True, slots=True)
class Restore:
    """One backup to be restored."""

    settings: Settings
    folder: Path

    async def do(self, progress: Progress) -> Manifest:
        """Restore it, in one transaction of pg_restore's; what is killed in the middle leaves nothing behind.

        Raises:
            BackupError: it cannot be restored; nothing is, then.
        """
        manifest = read_manifest(self.folder)
        if not is_known_revision(manifest.revision):
            raise NotRestorableError(
                f"the backup is of a later version ({manifest.racing_coach}, revision {manifest.revision}): install it"
            )
        engine = create_engine(self.settings.database, pool_size=3, application=OURS, is_for_migrations=True)
        try:
            async with hold_back_upgrades(engine):
                async with engine.connect() as connection:
                    await _check(connection, manifest)
                    program = find_program(
                        "pg_restore", (await look_at(connection)).version, self.settings.backup.programs
                    )
                await drop_schema(engine)
                async with _timescaledb(engine, manifest):
                    await self._restore(program, engine, manifest, progress)
                await compress_frames(engine)
        finally:
            await engine.dispose()
        await upgrade_database(self.settings.database)
        return manifest

    async def _restore(self, program: Path, engine: AsyncEngine, manifest: Manifest, progress: Progress) -> None:
        archive = readable(self.folder)
        async with engine.connect() as connection:
            lz4 = await has_lz4(connection)
        way = await way_of_restore(program, archive, environment(self.settings.database, OURS), lz4=lz4)
        contents = await run_program(program, ["--list", archive], way)
        left = _LEFT_TO_US if manifest.timescaledb else (*_LEFT_TO_US, _CATALOGUE)
        lines = [line for line in contents.splitlines() if not any(each in line for each in left)]

        async def size() -> int:
            async with engine.connect() as connection:
                return (await look_at(connection)).database_bytes

        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            chosen.write("\n".join(lines) + "\n")
            chosen.flush()
            arguments = [
                "--single-transaction",
                "--exit-on-error",
                "--no-owner",
                "--no-privileges",
                f"--use-list={chosen.name}",
                f"--dbname={self.settings.database.sqlalchemy_url.database or ''}",
                archive,
            ]
            async with watched(progress, size, manifest.database_bytes):
                await run_program(program, arguments, way)


async def _check(connection: AsyncConnection, manifest: Manifest) -> None:
    """Whether this is a database to restore into.

    Raises:
        NotRestorableError: somebody is at work, something is stored, or something is missing.
    """
    if (await look(connection)).is_distributed:
        raise NotRestorableError(
            "this database is distributed already, and a backup is restored into one that is not: make another "
            "(`createdb`, and on each node as docs/scaling.md says), restore into it, and then run `racing-coach db "
            "distribute`, which moves the rows to their nodes"
        )
    if others := await others_at_work(connection):
        raise NotRestorableError(
            f"{', '.join(others)} works with this database: stop it first, with `systemctl stop racing-coach "
            "racing-coach-web` or `docker compose stop daemon web`; rigs and broker hold the laps meanwhile"
        )
    for name in sorted(await _ours(connection), key=lambda one: one != LapRecord.__tablename__):
        if (await connection.execute(text(f"select exists (select from {name})"))).scalar():  # noqa: S608 (our names)
            raise NotRestorableError(
                f"the database holds {name}: a backup is restored into an empty one, so that nothing is there twice. "
                "Make another (`createdb`), and set RACING_COACH_DATABASE__URL to it. If this is what was just "
                "restored, `racing-coach restore --verify-only` looks at it"
            )
    server = await look_at(connection)
    await _check_extension(connection, server, manifest)
    await _check_disk(connection, manifest)


_SAYS_NOTHING: Final = (BackupRecord.__tablename__, LockSlot.__tablename__)
"""Tables that have rows in a database without laps: earlier backups, and what the migrations put there."""


async def _ours(connection: AsyncConnection) -> Sequence[str]:
    """Our tables that are there."""
    there = await connection.execute(
        text("select name from unnest(cast(:names as text[])) name where to_regclass(name) is not null"),
        {"names": [table.name for table in metadata.sorted_tables if table.name not in _SAYS_NOTHING]},
    )
    return [str(name) for name in there.scalars()]


async def _check_extension(connection: AsyncConnection, server: Server, manifest: Manifest) -> None:
    wanted = manifest.timescaledb
    if wanted is None:
        return
    there = server.timescaledb or (await connection.execute(_AVAILABLE)).scalar()
    if there != wanted:
        raise NotRestorableError(
            f"the backup was made with TimescaleDB {wanted}, and here is {there or 'none'}: install {wanted}, restore, "
            "and update it then (`alter extension timescaledb update`)"
        )
    name, is_superuser = (await connection.execute(_ROLE)).one()
    if not is_superuser:
        raise NotRestorableError(
            f"TimescaleDB lets superusers restore, and {name} is none: as one, `alter role {name} superuser`, restore, "
            f"and take it back with `alter role {name} nosuperuser`"
        )


async def _check_disk(connection: AsyncConnection, manifest: Manifest) -> None:
    """Only where the server's files are on this machine, and its settings may be read."""
    directory = await data_directory(connection)
    if directory is not None:
        free = shutil.disk_usage(directory).free
        if free < manifest.database_bytes:
            raise NotRestorableError(
                f"the backup takes {manifest.database_bytes:,} bytes, and {directory} has {free:,} free: make room"
            )


@asynccontextmanager
async def _timescaledb(engine: AsyncEngine, manifest: Manifest) -> AsyncIterator[None]:
    """TimescaleDB's steps before and after: its background workers rest, and its catalogue may be written."""
    if manifest.timescaledb is None:
        yield
        return
    async with engine.begin() as connection:
        await connection.execute(text("create extension if not exists timescaledb"))
    await _call(engine, "timescaledb_pre_restore")
    try:
        yield
    finally:
        await _call(engine, "timescaledb_post_restore")


async def _call(engine: AsyncEngine, function: str) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"select {function}()"))
