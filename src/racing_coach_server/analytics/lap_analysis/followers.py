"""Follows stored laps with an analysis."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.lap_analysis.analyst import Analyst
from racing_coach_server.analytics.lap_analysis.events import LapAnalysed
from racing_coach_server.analytics.lap_analysis.kept import FOLLOWER, KeptAnalyses
from racing_coach_server.analytics.lap_analysis.schemas import VERSION, identity_of
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.following.follower import Followed, Follower
from racing_coach_server.following.frontier import Frontier
from racing_coach_server.messaging.messages import Event, Failure
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.reading import StoredLaps


def lap_analysis(dependencies: Dependencies) -> Feature:
    """The feature."""
    settings = dependencies.settings
    followers = [LapAnalyser(dependencies.once(Analyst), settings.cell_name)] if settings.coaching.enabled else []
    return Feature("lap_analysis", followers=followers, kept=KeptAnalyses)


class LapAnalyser(Follower[LapStored]):
    """Analyses every stored lap once, and again by a track's map once that is found."""

    name = FOLLOWER
    version = VERSION
    follows = LapStored

    def __init__(self, analyst: Analyst, cell: str) -> None:
        self._analyst = analyst
        self._frontier = Frontier(cell)

    async def pending(self, session: AsyncSession, limit: int) -> Sequence[LapStored]:
        window = await self._frontier.window(session)
        found = await LapAnalysisService(session).pending(limit, window)
        if len(found) < limit:
            await self._frontier.looked(session, [event.stored_at for event in found])
        return found

    async def behind(self, session: AsyncSession) -> int:
        return await LapAnalysisService(session).behind()

    async def is_due(self, session: AsyncSession, event: LapStored) -> bool:
        return await LapAnalysisService(session).is_due(event.lap_id)

    async def follow(self, session: AsyncSession, event: LapStored) -> Followed:
        laps = StoredLaps(session)
        stored = await laps.find(event.lap_id)
        if stored is None:
            return Followed()  # deleted meanwhile
        analysis = await self._analyst.analyse(session, stored)
        again = [lap.event for lap_id in analysis.again if (lap := await laps.find(lap_id)) is not None]
        record = analysis.record
        events: tuple[Event, ...] = (LapAnalysed(stored.lap_id, stored.stored_at), *again)
        return Followed(events, log={"status": record.status, "reason": record.reason})

    async def fail(self, session: AsyncSession, event: LapStored, failure: Failure) -> None:
        stored = await StoredLaps(session).find(event.lap_id)
        if stored is not None:
            values = identity_of(stored)
            await LapAnalysisService(session).keep(values | {"status": "failed", "detail": failure.reason})
