"""Follows an analysis with a comparison."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.comparer import Comparer
from racing_coach_server.analytics.comparison.events import LapCompared
from racing_coach_server.analytics.comparison.kept import FOLLOWER, KeptComparisons
from racing_coach_server.analytics.comparison.service import VERSION, ComparisonService
from racing_coach_server.analytics.lap_analysis.events import LapAnalysed
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.following.follower import Followed, Follower
from racing_coach_server.following.frontier import Frontier
from racing_coach_server.messaging.messages import Failure


def comparison(dependencies: Dependencies) -> Feature:
    """The feature."""
    settings = dependencies.settings
    followers = [LapComparer(dependencies.once(Comparer), settings.cell_name)] if settings.coaching.enabled else []
    return Feature("comparison", followers=followers, kept=KeptComparisons)


class LapComparer(Follower[LapAnalysed]):
    """Compares every analysed lap with its reference."""

    name = FOLLOWER
    version = VERSION
    follows = LapAnalysed

    def __init__(self, comparer: Comparer, cell: str) -> None:
        self._comparer = comparer
        self._frontier = Frontier(cell)

    async def pending(self, session: AsyncSession, limit: int) -> Sequence[LapAnalysed]:
        window = await self._frontier.window(session)
        found = await ComparisonService(session).pending(limit, window)
        if len(found) < limit:
            await self._frontier.looked(session, [event.stored_at for event in found])
        return found

    async def behind(self, session: AsyncSession) -> int:
        return await ComparisonService(session).behind()

    async def is_due(self, session: AsyncSession, event: LapAnalysed) -> bool:
        return await ComparisonService(session).is_due(event.lap_id)

    async def follow(self, session: AsyncSession, event: LapAnalysed) -> Followed:
        lap = await LapAnalysisService(session).find(event.lap_id)
        if lap is None:
            return Followed()  # deleted meanwhile
        record = await self._comparer.compare(session, lap)
        return Followed(
            (LapCompared(event.lap_id, event.stored_at),),
            log={"status": record.status, "rule": record.rule, "reference": record.reference_lap_id},
        )

    async def fail(self, session: AsyncSession, event: LapAnalysed, failure: Failure) -> None:
        lap = await LapAnalysisService(session).find(event.lap_id)
        if lap is not None:
            await ComparisonService(session).keep(lap, {"status": "failed", "detail": failure.reason})
