"""The analysis of a lap, for who only reads: the stored one, or one that is made for the page and forgotten."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.envelope import envelope_of
from racing_coach_analysis.measures import measure
from racing_coach_analysis.reasons import NotALapError
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import TrackMap
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import MEASURES, Combination, identity_of, is_wet
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.lap_analysis.traces import Traces
from racing_coach_server.analytics.track_maps.schemas import as_track_map
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.schemas import StoredLap


class Analyses:
    """Finds analyses. One that is missing, where nothing is analysed or just not yet, is made as the daemon would."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._traces = dependencies.once(Traces)
        self._background = dependencies.background

    async def of(self, session: AsyncSession, stored: StoredLap) -> LapAnalysisRecord:
        """The analysis of a lap."""
        found = await LapAnalysisService(session).find(stored.lap_id)
        if found is not None and found.status != "failed":
            return found
        return await self._made(session, stored)

    async def _made(self, session: AsyncSession, stored: StoredLap) -> LapAnalysisRecord:
        lap = await self._traces.lap(session, stored)
        record = LapAnalysisRecord(**(identity_of(stored) | {"is_wet": is_wet(lap)}))
        record.created_at = datetime.now(UTC)
        try:
            trace = await self._traces.trace(session, stored)
        except NotALapError as error:
            record.status, record.reason, record.detail = "unusable", error.reason.value, error.detail
            return record
        record.lap_time = trace.lap_time
        where = Combination.of(stored)
        current = await TrackMapService(session).current(where.track_id, where.track_config_name)
        if current is not None:
            record.track_map_id = current.id
            record.analysis = await self._background.run(_measured, trace, as_track_map(current))
        return record


def _measured(trace: Trace, track_map: TrackMap) -> dict[str, object]:
    """What is measured, as it would be stored; the grip is of this lap alone."""
    measured: dict[str, object] = MEASURES.dump_python(
        measure(trace, track_map, envelope=envelope_of([trace])), mode="json"
    )
    return measured
