"""Comparisons and chosen references as they are kept of laps, and how they go."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update

from racing_coach_server.analytics.comparison.models import ChosenReferenceRecord, LapComparisonRecord
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.database.rows import as_values, deleted
from racing_coach_server.following.locks import lock_all
from racing_coach_server.kept import Dependents, KeptOfLaps

FOLLOWER: Final = "comparison"
"""The name of the follower, which is also that of its locks."""


class KeptComparisons(KeptOfLaps):
    """What laps lost against their references, and the references that drivers chose."""

    async def lock(self, lap_ids: Sequence[UUID]) -> None:
        await lock_all(self._session, FOLLOWER, lap_ids)

    async def of(self, lap_id: UUID) -> dict[str, Any]:
        found = await self._session.get(LapComparisonRecord, lap_id)
        chosen = select(ChosenReferenceRecord).where(ChosenReferenceRecord.lap_id == lap_id)
        by = [as_values(one) for one in await self._session.scalars(chosen)]
        return ({} if found is None else {"comparison": as_values(found)}) | ({"chosen_by": by} if by else {})

    async def forget(self, lap_ids: Sequence[UUID], dependents: Dependents) -> Counter[str]:
        own = delete(LapComparisonRecord).where(LapComparisonRecord.lap_id.in_(lap_ids))
        gone = Counter(comparisons=await deleted(self._session, own))
        of_others = LapComparisonRecord.reference_lap_id.in_(lap_ids)
        if dependents is Dependents.REDO:
            await ComparisonService(self._session).compare_again(lap_ids)
            gone["comparisons of other laps"] = await deleted(
                self._session, delete(LapComparisonRecord).where(of_others)
            )
        else:
            await self._session.execute(update(LapComparisonRecord).where(of_others).values(reference_lap_id=None))
        chosen = delete(ChosenReferenceRecord).where(ChosenReferenceRecord.lap_id.in_(lap_ids))
        gone["references"] = await deleted(self._session, chosen)
        return gone
