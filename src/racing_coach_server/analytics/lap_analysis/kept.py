"""Analyses as they are kept of laps, and how they go."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.database.rows import as_values, deleted
from racing_coach_server.following.locks import lock_all
from racing_coach_server.kept import Dependents, KeptOfLaps

FOLLOWER: Final = "lap_analysis"
"""The name of the follower, which is also that of its locks."""


class KeptAnalyses(KeptOfLaps):
    """What was measured in laps. A track's map stays: it says where the corners are, and of nobody's driving."""

    async def lock(self, lap_ids: Sequence[UUID]) -> None:
        await lock_all(self._session, FOLLOWER, lap_ids)

    async def of(self, lap_id: UUID) -> dict[str, Any]:
        found = await self._session.get(LapAnalysisRecord, lap_id)
        return {} if found is None else {"analysis": as_values(found)}

    async def forget(self, lap_ids: Sequence[UUID], dependents: Dependents) -> Counter[str]:
        del dependents
        gone = delete(LapAnalysisRecord).where(LapAnalysisRecord.lap_id.in_(lap_ids))
        return Counter(analyses=await deleted(self._session, gone))
