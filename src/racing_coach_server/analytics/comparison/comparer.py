"""One lap against another: by the rules, by name, or against the best of every segment."""

from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.comparison import Comparison, SegmentDelta, compare
from racing_coach_analysis.reasons import NotALapError
from racing_coach_analysis.track_map import NO_CORNERS, TrackMap
from racing_coach_server.analytics.comparison.exceptions import NotComparableError
from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.analytics.comparison.references import FoundReference, ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService, Values
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.traces import Traces
from racing_coach_server.analytics.track_maps.models import TrackMapRecord
from racing_coach_server.analytics.track_maps.schemas import as_track_map
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.reading import StoredLaps

SEGMENTS: Final = TypeAdapter(tuple[SegmentDelta, ...])
"""What each segment lost, as JSON and back."""


class Comparer:
    """Compares stored laps."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._traces = dependencies.once(Traces)
        self._background = dependencies.background

    async def compare(self, session: AsyncSession, lap: LapAnalysisRecord) -> LapComparisonRecord:
        """Compare a lap with its reference and keep what was found, or why there is nothing to compare."""
        return await ComparisonService(session).keep(lap, await self._compare(session, lap))

    async def _compare(self, session: AsyncSession, lap: LapAnalysisRecord) -> Values:
        if lap.status != "done":
            return {"status": "unusable", "detail": lap.detail}
        references = ReferenceService(session)
        while (reference := await references.of(lap)) is not None:
            if await StoredLaps(session).hold(reference.analysis.lap_id):
                return await self._with(session, lap, reference)
        return {"status": "without_reference"}

    async def _with(self, session: AsyncSession, lap: LapAnalysisRecord, reference: FoundReference) -> Values:
        values: Values = {"reference_lap_id": reference.analysis.lap_id, "rule": reference.rule.value}
        track_map = await map_of(session, lap)
        try:
            comparison = await self._along(session, lap, reference.analysis, track_map or NO_CORNERS)
        except NotComparableError as error:
            return values | {"status": "unusable", "detail": error.reason}
        values |= {"status": "done", "delta_s": comparison.total_s}
        if track_map is not None:
            values["comparison"] = {"segments": SEGMENTS.dump_python(comparison.segments, mode="json")}
        return values

    async def between(self, session: AsyncSession, lap: LapAnalysisRecord, other: LapAnalysisRecord) -> Comparison:
        """Compare any two analysed laps of one track, corner by corner.

        Raises:
            NotComparableError: they are not of one track and configuration, one of them is no whole lap, or the track
                has no map yet.
        """
        track_map = await map_of(session, lap)
        if track_map is None:
            raise NotComparableError(lap.lap_id, other.lap_id, "the track's corners are not known yet")
        return await self._along(session, lap, other, track_map)

    async def _along(
        self, session: AsyncSession, lap: LapAnalysisRecord, other: LapAnalysisRecord, track_map: TrackMap
    ) -> Comparison:
        if (lap.track_id, lap.track_config_name) != (other.track_id, other.track_config_name):
            raise NotComparableError(lap.lap_id, other.lap_id, "they were driven on different tracks or configurations")
        laps = StoredLaps(session)
        this, reference = await laps.find(lap.lap_id), await laps.find(other.lap_id)
        if this is None or reference is None:
            raise NotComparableError(lap.lap_id, other.lap_id, "one of them is not stored any more")
        try:
            path = await self._traces.trace(session, reference)
            trace = await self._traces.trace(session, this, reference=reference)
        except NotALapError as error:
            raise NotComparableError(lap.lap_id, other.lap_id, error.detail) from error
        return await self._background.run(compare, trace, path, track_map)


async def map_of(session: AsyncSession, lap: LapAnalysisRecord) -> TrackMap | None:
    """The map that a lap was measured by, None if its track had none."""
    if lap.track_map_id is None:
        return None
    record = await session.get(TrackMapRecord, lap.track_map_id)
    return None if record is None else as_track_map(record)


def losses(record: LapComparisonRecord) -> tuple[SegmentDelta, ...]:
    """What each segment lost, as it was kept; nothing where nothing was compared."""
    return () if record.comparison is None else SEGMENTS.validate_python(record.comparison["segments"])
