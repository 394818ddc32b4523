"""Whether stored laps are what they were when they came: each lap's content hash computed again from its frames."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.content import content_sha256
from racing_coach_server.backup.watching import Progress
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps

_PAGE: Final = 50
_NAMED: Final = 20


@dataclass(slots=True)
class Verified:
    """What was found.

    Attributes:
        laps: how many were looked at.
        frames: how many they have.
        damaged: the first of those that are not what they were, and why.
        damaged_count: how many there are.
    """

    laps: int = 0
    frames: int = 0
    damaged: dict[UUID, str] = field(default_factory=dict)
    damaged_count: int = 0

    def blame(self, lap_id: UUID, why: str) -> None:
        """A lap is not what it was."""
        self.damaged_count += 1
        if len(self.damaged) < _NAMED:
            self.damaged[lap_id] = why


async def verify(database: Database, progress: Progress) -> Verified:
    """Read every lap, by its id, and compare its hash with `laps.content_sha256`."""
    found = Verified()
    async with database.transaction() as session:
        total = (await session.execute(select(func.count()).select_from(LapRecord))).scalar_one()
    after = UUID(int=0)
    while True:
        async with database.transaction() as session:
            page = list(
                await session.execute(
                    select(LapRecord.id, LapRecord.lap_time, LapRecord.frame_count, LapRecord.content_sha256)
                    .where(LapRecord.id > after)
                    .order_by(LapRecord.id)
                    .limit(_PAGE)
                )
            )
            for lap in page:
                await _look_at(session, found, lap)
                progress(found.laps, total)
        if len(page) < _PAGE:
            return found
        after = page[-1][0]


async def _look_at(session: AsyncSession, found: Verified, lap: Row[UUID, float | None, int, bytes]) -> None:
    lap_id, lap_time, frame_count, expected = lap
    found.laps += 1
    try:
        frames = await StoredLaps(session).columns(lap_id)
    except StoredLapUnreadableError as error:
        found.blame(lap_id, str(error))
        return
    found.frames += frames.num_rows
    if frames.num_rows != frame_count:
        found.blame(lap_id, f"it has {frames.num_rows:,} frames, and had {frame_count:,}")
    elif await asyncio.to_thread(content_sha256, lap_time, frames) != expected:
        found.blame(lap_id, "its frames are not what they were")
