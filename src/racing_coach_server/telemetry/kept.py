"""Laps as they are kept: their rows and their frames, and how they go."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from racing_coach_server.database.rows import as_values
from racing_coach_server.kept import Dependents, KeptOfLaps
from racing_coach_server.telemetry.erasing import drop_empty_sessions, erase_laps
from racing_coach_server.telemetry.models import LapRecord, TrackSession


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
        laps = select(LapRecord.track_session_id, LapRecord.frame_count).where(LapRecord.id.in_(lap_ids))
        rows = (await self._session.execute(laps)).all()
        session_ids = sorted({session_id for session_id, _ in rows})
        await erase_laps(self._session, lap_ids)
        dropped = await drop_empty_sessions(self._session, session_ids)
        return Counter(frames=sum(frames for _, frames in rows), laps=len(rows), sessions=dropped)
