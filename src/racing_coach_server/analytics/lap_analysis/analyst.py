"""One lap analysed: read, put on its track's map, measured, kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.analysed import analysed
from racing_coach_analysis.corners import MOST_LAPS_FOR_MAP, is_time_to_number, number_corners
from racing_coach_analysis.envelope import envelope_of
from racing_coach_analysis.measures import measure
from racing_coach_analysis.reasons import NotALapError
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import TrackMap
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import MEASURES, Combination, Values, identity_of, is_wet
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.lap_analysis.traces import Traces
from racing_coach_server.analytics.track_maps.models import TrackMapRecord
from racing_coach_server.analytics.track_maps.schemas import as_track_map, found_map
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was kept of a lap.

    Attributes:
        record: the row.
        again: laps that were analysed before the track had the map that was found just now.
    """

    record: LapAnalysisRecord
    again: Sequence[UUID] = ()


class Analyst:
    """Analyses stored laps."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._traces = dependencies.once(Traces)
        self._background = dependencies.background

    async def analyse(self, session: AsyncSession, stored: StoredLap) -> Analysis:
        """Analyse a lap and keep what was found: measures, or why there are none."""
        service = LapAnalysisService(session)
        lap = await self._traces.lap(session, stored)
        values = identity_of(stored) | {"is_wet": is_wet(lap)}
        try:
            trace = await self._traces.trace(session, stored)
        except NotALapError as error:
            values |= {"status": "unusable", "reason": error.reason.value, "detail": error.detail}
            return Analysis(await service.keep(values))
        values["lap_time"] = trace.lap_time
        values["is_reference"] = stored.is_valid and stored.lap_time is not None and not trace.exclusions
        track_map, again = await self._map_of(session, stored, is_good=values["is_reference"])
        if track_map is not None:
            values |= await self._measured(session, stored, trace, track_map)
        else:
            values["remembered"] = await self._background.run(_remember, trace)
        return Analysis(await service.keep(values), again)

    async def _measured(
        self, session: AsyncSession, stored: StoredLap, trace: Trace, track_map: TrackMapRecord
    ) -> Values:
        """What the lap's row says of it. The grip that the car has is that of this lap and of the fastest one in it."""
        traces = [trace]
        fastest = await LapAnalysisService(session).fastest(Combination.of(stored), besides=stored.lap_id)
        if fastest is not None:
            traces += await self._good_traces(session, [fastest])
        analysis, remembered = await self._background.run(_measure, trace, as_track_map(track_map), traces)
        return {"track_map_id": track_map.id, "analysis": analysis, "remembered": remembered}

    async def _map_of(
        self, session: AsyncSession, stored: StoredLap, *, is_good: bool
    ) -> tuple[TrackMapRecord | None, Sequence[UUID]]:
        """The track's map, found now if this lap makes enough good ones; with it the laps that waited for it."""
        where, maps = Combination.of(stored), TrackMapService(session)
        current = await maps.current(where.track_id, where.track_config_name)
        if current is not None or not is_good:
            return current, ()
        service = LapAnalysisService(session)
        others = await service.without_map(where, besides=stored.lap_id, limit=MOST_LAPS_FOR_MAP - 1)
        if not is_time_to_number(len(others) + 1):
            return None, ()
        # All on the path of the first, so that what was computed for the lap before serves again.
        traces = await self._good_traces(session, [*others, stored.lap_id], on_the_first=True)
        try:
            found = await self._background.run(number_corners, traces)
        except NotALapError:
            return None, ()  # no channel tells how the track bends: a later lap may have one
        if found is None or not found.corners:
            return None, ()
        document = found_map(where.track_id, where.track_config_name or None, found)
        return await maps.keep_first(document, laps_used=len(traces)), others

    async def _good_traces(
        self, session: AsyncSession, lap_ids: Sequence[UUID], *, on_the_first: bool = False
    ) -> list[Trace]:
        laps = StoredLaps(session)
        found = [lap for lap_id in lap_ids if (lap := await laps.find(lap_id)) is not None]
        first = found[0] if on_the_first and found else None
        return [await self._traces.trace(session, lap, reference=None if lap is first else first) for lap in found]


def _remember(trace: Trace) -> object:
    """Column `remembered`; runs in a thread."""
    return analysed(trace).to_json()


def _measure(trace: Trace, track_map: TrackMap, traces: Sequence[Trace]) -> tuple[object, object]:
    """Columns `analysis` and `remembered`; runs in a thread."""
    measures = measure(trace, track_map, envelope=envelope_of(traces))
    return MEASURES.dump_python(measures, mode="json"), _remember(trace)
