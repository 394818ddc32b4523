"""Taking away: the one place that deletes frames, laps and sessions. The caller commits."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announce
from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.read_rows import are_rows_left

_ERASE_ROWS: Final = text("delete from telemetry_rows where lap_id = any(:lap_ids)").bindparams(
    bindparam("lap_ids", type_=ARRAY(Uuid))
)
"""Of laps that an older version stored; rows have no foreign key."""


async def erase_laps(session: AsyncSession, lap_ids: Sequence[UUID]) -> None:
    """Delete laps; their frames, and what other features have of them, go by their foreign keys."""
    rigs = select(LapRecord.rig_id).where(LapRecord.id.in_(lap_ids)).distinct()
    await session.execute(announce(Announced.RIG, rigs))
    if await are_rows_left(session):
        await session.execute(_ERASE_ROWS, {"lap_ids": lap_ids})
    await session.execute(delete(LapRecord).where(LapRecord.id.in_(lap_ids)))


async def drop_empty_sessions(session: AsyncSession, session_ids: Sequence[UUID]) -> None:
    """Delete those of some sessions that have no laps."""
    has_laps = exists().where(LapRecord.track_session_id == TrackSession.id)
    await session.execute(delete(TrackSession).where(TrackSession.id.in_(session_ids), ~has_laps))
