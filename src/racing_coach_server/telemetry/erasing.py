"""Taking away: the one place that deletes frames, laps and sessions. The caller commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announce
from racing_coach_server.database.rows import deleted
from racing_coach_server.telemetry.models import LapRecord, TrackSession, frame_blocks
from racing_coach_server.telemetry.read_rows import ROWS, are_rows_left


async def erase_laps(session: AsyncSession, lap_ids: Sequence[UUID]) -> None:
    """Delete laps with their frames; what other features have of them goes by its foreign keys."""
    rigs = select(LapRecord.rig_id).where(LapRecord.id.in_(lap_ids)).distinct()
    await session.execute(announce(Announced.RIG, rigs))
    await session.execute(delete(frame_blocks).where(frame_blocks.c.lap_id.in_(lap_ids)))
    if await are_rows_left(session):
        await session.execute(delete(ROWS).where(ROWS.c.lap_id.in_(lap_ids)))
    await session.execute(delete(LapRecord).where(LapRecord.id.in_(lap_ids)))


async def drop_empty_sessions(session: AsyncSession, session_ids: Sequence[UUID]) -> int:
    """Delete those of some sessions that have no laps. Returns how many those were."""
    # A lap that is just being stored holds its session, and is waited for; always in the same order.
    held = select(TrackSession.id).where(TrackSession.id.in_(session_ids)).order_by(TrackSession.id)
    await session.execute(held.with_for_update())
    has_laps = exists().where(LapRecord.track_session_id == TrackSession.id)
    return await deleted(session, delete(TrackSession).where(TrackSession.id.in_(session_ids), ~has_laps))
