"""Analysis, comparison and coaching of a lap, for programs."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.analysis_documents import LapAnalysisDocument, LapComparisonDocument
from racing_coach_core.coaching import Coaching
from racing_coach_server.analytics.comparison.comparer import map_of
from racing_coach_server.analytics.comparison.on_demand import ComparisonOnDemand
from racing_coach_server.analytics.lap_analysis.documents import lap_analysis_document
from racing_coach_server.coaching.reading import word_of
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.web.exceptions import BadQueryError, NothingSaidError
from racing_coach_server.web.laps.against import Against, asked
from racing_coach_server.web.laps.analyses import Analyses
from racing_coach_server.web.laps.rows import find_lap


class Measured:
    """Finds them."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._analyses = dependencies.once(Analyses)
        self._against = dependencies.once(Against)
        self._comparison = dependencies.once(ComparisonOnDemand)

    async def analysis(self, session: AsyncSession, lap_id: UUID) -> LapAnalysisDocument:
        """What happened in each corner of a lap.

        Raises:
            LapNotFoundError: it is not stored.
        """
        record = await self._analyses.of(session, await find_lap(session, lap_id))
        return lap_analysis_document(record, await map_of(session, record))

    async def comparison(self, session: AsyncSession, lap_id: UUID, against: str) -> LapComparisonDocument:
        """Where a lap lost its time.

        Raises:
            LapNotFoundError: it, or what it is held against, is not stored.
            NothingToCompareError: there is nothing to hold it against.
            NotComparableError: the two cannot be compared.
        """
        which = asked(against)
        if which == "none":
            raise BadQueryError("against", "a comparison is with something")
        record = await self._analyses.of(session, await find_lap(session, lap_id))
        if which == "theoretical":
            return await self._comparison.with_theoretical(session, record)
        other, rule = await self._against.find(session, record, which)
        return await self._comparison.with_reference(session, record, other, rule)

    async def coaching(self, session: AsyncSession, lap_id: UUID) -> Coaching:
        """What the coach said of a lap.

        Raises:
            LapNotFoundError: it is not stored.
            NothingSaidError: nothing.
        """
        await find_lap(session, lap_id)
        said = await CoachingService(session).find(lap_id)
        if said is None:
            raise NothingSaidError(lap_id, "The coach has not spoken of this lap.")
        word = word_of(lap_id, said.message)
        if word is None:
            raise NothingSaidError(lap_id, "The coach failed on this lap; `racing-coach coaching show` says why.")
        return word
