"""A lap against the best of each segment that its driver has driven. Nobody has driven them in one lap."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.comparison import SegmentDelta, compare
from racing_coach_analysis.reasons import NotALapError
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import TrackMap
from racing_coach_server.analytics.comparison.comparer import map_of
from racing_coach_server.analytics.comparison.exceptions import NothingToCompareError
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.lap_analysis.traces import Traces
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.reading import StoredLaps


class TheoreticalBest:
    """Finds the best of each segment, and what a lap lost against it."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._traces = dependencies.once(Traces)
        self._background = dependencies.background

    async def losses(self, session: AsyncSession, lap: LapAnalysisRecord) -> Sequence[SegmentDelta]:
        """What a lap lost in each segment against the driver's best in it; a good lap gains nowhere.

        Raises:
            NothingToCompareError: there is no good lap of the driver, or the track has no corners yet.
        """
        track_map = await map_of(session, lap)
        if track_map is None:
            raise NothingToCompareError(lap.lap_id, "the track's corners are not known yet")
        best = await LapAnalysisService(session).best_segments(lap)
        if not best:
            raise NothingToCompareError(lap.lap_id, "its driver has no whole, valid lap by the same corners")
        of_lap: defaultdict[UUID, list[int]] = defaultdict(list)
        for segment, lap_id in enumerate(best):
            of_lap[lap_id].append(segment)
        this = await self._trace(session, lap.lap_id)
        found: dict[int, SegmentDelta] = {}
        for lap_id, segments in of_lap.items():
            that = await self._trace(session, lap_id)
            deltas = await self._background.run(_deltas, this, that, track_map)
            found |= {segment: deltas[segment] for segment in segments}
        return [found[segment] for segment in sorted(found)]

    async def _trace(self, session: AsyncSession, lap_id: UUID) -> Trace:
        """As its segments were timed: not refined by another lap's path, or the best would depend on who asks."""
        stored = await StoredLaps(session).find(lap_id)
        if stored is None:
            raise NothingToCompareError(lap_id, "it is not stored any more")
        try:
            return await self._traces.trace(session, stored)
        except NotALapError as error:
            raise NothingToCompareError(lap_id, error.detail) from error


def _deltas(this: Trace, that: Trace, track_map: TrackMap) -> tuple[SegmentDelta, ...]:
    return compare(this, that, track_map).segments
