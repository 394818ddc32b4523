"""Laps as they are kept: their rows and their frames, and how they go."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.rows import as_values, deleted
from racing_coach_server.kept import Dependents, KeptOfLaps
from racing_coach_server.telemetry.models import LapRecord, TrackSession, telemetry


class KeptLaps(KeptOfLaps):
    """Laps, frames, and the sessions that nothing is left of."""

    async def lock(self, lap_ids: Sequence[UUID]) -> None:
        # Who is just comparing another lap with one of these holds its row until that is committed.
        statement = select(LapRecord.id).where(LapRecord.id.in_(lap_ids)).order_by(LapRecord.id).with_for_update()
        await self._session.execute(statement)

    async def of(self, lap_id: UUID) -> dict[str, Any]:
        lap = await self._session.get(LapRecord, lap_id)
        if lap is None:
            return {}
        session = await self._session.get_one(TrackSession, lap.track_session_id)
        return {"lap": as_values(lap), "session": as_values(session)}

    async def forget(self, lap_ids: Sequence[UUID], dependents: Dependents) -> Counter[str]:
        del dependents  # nothing that stays says anything of frames
        gone = Counter(frames=await delete_frames(self._session, lap_ids))
        laps = delete(LapRecord).where(LapRecord.id.in_(lap_ids)).returning(LapRecord.track_session_id)
        sessions = (await self._session.scalars(laps)).all()
        gone["laps"] = len(sessions)
        gone["sessions"] = await self._forget_empty(sorted(set(sessions)))
        return gone

    async def _forget_empty(self, session_ids: Sequence[UUID]) -> int:
        """Sessions without a lap. A lap that is just being stored in one holds the session, and is waited for."""
        locked = select(TrackSession.id).where(TrackSession.id.in_(session_ids)).order_by(TrackSession.id)
        await self._session.execute(locked.with_for_update())
        is_empty = ~exists().where(LapRecord.track_session_id == TrackSession.id)
        return await deleted(self._session, delete(TrackSession).where(TrackSession.id.in_(session_ids), is_empty))


async def delete_frames(session: AsyncSession, lap_ids: Sequence[UUID]) -> int:
    """Delete the frames of laps: the one place that does. Returns how many there were."""
    counted = select(func.coalesce(func.sum(LapRecord.frame_count), 0)).where(LapRecord.id.in_(lap_ids))
    frames = (await session.execute(counted)).scalar_one()
    await session.execute(delete(telemetry).where(telemetry.c.lap_id.in_(lap_ids)))
    return int(frames)
