"""The analysis of a lap when somebody asks for it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.lap_analysis.analyst import Analyst
from racing_coach_server.analytics.lap_analysis.followers import LapAnalyser
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import VERSION
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.following.locks import lock
from racing_coach_server.telemetry.schemas import StoredLap


class AnalysisOnDemand:
    """Finds analyses, and makes those that are missing or of an older version."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._analyst = dependencies.once(Analyst)

    async def of(self, session: AsyncSession, stored: StoredLap) -> LapAnalysisRecord:
        """The analysis of a lap: the stored one, or one that is made now. Flushes; the caller commits."""
        current = await self._current(session, stored.lap_id)
        if current is None:
            # A daemon may be just at it: then its analysis is the one.
            await lock(session, LapAnalyser.name, str(stored.lap_id))
            current = await self._current(session, stored.lap_id)
        return current or (await self._analyst.analyse(session, stored)).record

    async def _current(self, session: AsyncSession, lap_id: UUID) -> LapAnalysisRecord | None:
        service = LapAnalysisService(session)
        if await service.is_due(lap_id):
            return None
        found = await service.find(lap_id)
        if found is not None:
            await session.refresh(found)  # the session may have seen it before somebody else made it anew
        return found if found is not None and found.version >= VERSION else None
