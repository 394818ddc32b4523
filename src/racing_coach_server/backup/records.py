"""That backups were made, in the database itself: the doctor tells how old the last one is."""

import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.backup.manifest import Manifest
from racing_coach_server.database.backup_record import BackupRecord
from racing_coach_server.telemetry.models import LapRecord


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup, and how many laps came since."""

    taken_at: datetime
    place: str
    laps_since: int


async def record(session: AsyncSession, manifest: Manifest, folder: Path) -> None:
    """Remember a backup; the caller commits."""
    place = f"{socket.gethostname()}:{folder.resolve()}"
    session.add(BackupRecord(taken_at=manifest.taken_at, place=place, laps=manifest.laps, frames=manifest.frames))
    await session.flush()


async def last_backup(session: AsyncSession) -> LastBackup | None:
    """The last one, None if none was ever made."""
    newest = select(BackupRecord).order_by(BackupRecord.taken_at.desc()).limit(1)
    found = (await session.scalars(newest)).one_or_none()
    if found is None:
        return None
    since = select(func.count()).select_from(LapRecord).where(LapRecord.created_at > found.taken_at)
    return LastBackup(found.taken_at, found.place, (await session.execute(since)).scalar_one())
