"""What the coach said as it is kept of laps, and how it goes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select

from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.coaching.models import CoachingRecord
from racing_coach_server.database.rows import as_values, deleted
from racing_coach_server.following.locks import lock_all
from racing_coach_server.kept import Dependents, KeptOfLaps

FOLLOWER: Final = "coaching"
"""The name of the follower, which is also that of its locks."""


class KeptCoaching(KeptOfLaps):
    """The coach's words. Those on another lap name the reference and its time, so they go with that one too."""

    async def lock(self, lap_ids: Sequence[UUID]) -> None:
        await lock_all(self._session, FOLLOWER, lap_ids)

    async def of(self, lap_id: UUID) -> dict[str, Any]:
        found = await self._session.get(CoachingRecord, lap_id)
        return {} if found is None else {"coaching": as_values(found)}

    async def forget(self, lap_ids: Sequence[UUID], dependents: Dependents) -> Counter[str]:
        which: ColumnElement[bool] = CoachingRecord.lap_id.in_(lap_ids)
        if dependents is Dependents.REDO:
            compared = select(LapComparisonRecord.lap_id).where(LapComparisonRecord.reference_lap_id.in_(lap_ids))
            which = or_(which, CoachingRecord.lap_id.in_(compared))
        return Counter(coaching=await deleted(self._session, delete(CoachingRecord).where(which)))
