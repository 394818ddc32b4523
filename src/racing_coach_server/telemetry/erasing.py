"""Taking away: the one place that deletes frames, laps and sessions. The caller commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announce
from racing_coach_server.telemetry.models import LapRecord, TrackSession, telemetry


async def erase_laps(session: AsyncSession, lap_ids: Sequence[UUID]) -> None:
    """Delete laps with their frames; what other features have of them goes by its foreign keys."""
    rigs = select(LapRecord.rig_id).where(LapRecord.id.in_(lap_ids)).distinct()
    await session.execute(announce(Announced.RIG, rigs))
    await session.execute(delete(telemetry).where(telemetry.c.lap_id.in_(lap_ids)))
    await session.execute(delete(LapRecord).where(LapRecord.id.in_(lap_ids)))


async def drop_empty_sessions(session: AsyncSession, session_ids: Sequence[UUID]) -> None:
    """Delete those of some sessions that have no laps."""
    has_laps = exists().where(LapRecord.track_session_id == TrackSession.id)
    await session.execute(delete(TrackSession).where(TrackSession.id.in_(session_ids), ~has_laps))
