"""The page of a lap as one document."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.comparison import Comparison, SegmentDelta, compare
from racing_coach_analysis.reasons import NotALapError
from racing_coach_analysis.trace import Trace
from racing_coach_analysis.track_map import TrackMap, segments
from racing_coach_core.analysis_documents import SegmentDeltaDocument
from racing_coach_core.coaching import Coaching
from racing_coach_core.web_laps import ReferenceChoice
from racing_coach_core.web_views import LapView, ViewExclusion, ViewReference
from racing_coach_server.analytics.comparison.comparer import map_of
from racing_coach_server.analytics.comparison.exceptions import NotComparableError, NothingToCompareError
from racing_coach_server.analytics.comparison.on_demand import Rule
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.lap_analysis.traces import Traces
from racing_coach_server.coaching.reading import word_of
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.web.laps.against import Against, asked
from racing_coach_server.web.laps.analyses import Analyses
from racing_coach_server.web.laps.corner_rows import corner_rows, view_segments
from racing_coach_server.web.laps.plotting import plots
from racing_coach_server.web.laps.rows import find_lap, find_laps, lap_row
from racing_coach_server.web.laps.stitching import stitched

_NO_CORNERS: Final = TrackMap(corners=(), length_m=None, source="found", version=0)
_THEORETICAL: Final = "theoretical"


@dataclass(frozen=True, slots=True)
class _Held:
    """A lap, and what it is held against."""

    stored: StoredLap
    record: LapAnalysisRecord
    track_map: TrackMap | None
    trace: Trace | None = None
    no_trace: str | None = None
    reference: Trace | None = None
    reference_record: LapAnalysisRecord | None = None
    rule: Rule | None = None
    no_reference: str | None = None
    comparison: Comparison | None = None
    pieces: Sequence[UUID] = ()


class LapViews:
    """Makes the documents."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._traces = dependencies.once(Traces)
        self._analyses = dependencies.once(Analyses)
        self._against = dependencies.once(Against)
        self._background = dependencies.background

    async def view(self, session: AsyncSession, lap_id: UUID, against: str) -> LapView:
        """All that the page of a lap shows.

        Raises:
            LapNotFoundError: the lap, or the one to hold it against, is not stored.
            BadQueryError: nothing that a lap could be held against.
        """
        which = asked(against)
        stored = await find_lap(session, lap_id)
        record = await self._analyses.of(session, stored)
        held = await self._held(session, stored, record, which)
        reference_lap = None if held.reference_record is None else held.reference_record.lap_id
        laps = await find_laps(session, [] if reference_lap is None else [reference_lap])
        said = await CoachingService(session).find(lap_id)
        word = None if said is None else word_of(lap_id, said.message)
        return await self._background.run(
            _document,
            held,
            against=against,
            reference_lap=None if reference_lap is None else laps.get(reference_lap),
            choices=list(await self._against.choices(session, record)),
            coaching=word,
            is_failed=said is not None and word is None,
        )

    async def _held(
        self, session: AsyncSession, stored: StoredLap, record: LapAnalysisRecord, which: str | UUID
    ) -> _Held:
        track_map = await map_of(session, record)
        try:
            trace = await self._traces.trace(session, stored)
        except NotALapError as error:
            words = f"This is no whole lap on the track: {error.detail}."
            return _Held(stored, record, track_map, no_trace=words, no_reference=None if which == "none" else words)
        alone = _Held(stored, record, track_map, trace)
        if which == "none":
            return alone
        try:
            if which == _THEORETICAL:
                return await self._with_theoretical(session, alone, trace)
            return await self._with_lap(session, alone, which)
        except (NothingToCompareError, NotComparableError) as error:
            return _Held(stored, record, track_map, trace, no_reference=_sentence(error.reason))

    async def _with_lap(self, session: AsyncSession, alone: _Held, which: str | UUID) -> _Held:
        other, rule = await self._against.find(session, alone.record, asked(str(which)))
        mine = alone.record
        if (other.track_id, other.track_config_name) != (mine.track_id, mine.track_config_name):
            raise NotComparableError(mine.lap_id, other.lap_id, "they were driven on different tracks or layouts")
        if other.lap_id == mine.lap_id:
            raise NotComparableError(mine.lap_id, other.lap_id, "a lap against itself is no comparison")
        other_stored = await find_lap(session, other.lap_id)
        try:
            path = await self._traces.trace(session, other_stored)
            trace = await self._traces.trace(session, alone.stored, reference=other_stored)
        except NotALapError as error:
            raise NotComparableError(mine.lap_id, other.lap_id, error.detail) from error
        found = await self._background.run(compare, trace, path, alone.track_map or _NO_CORNERS)
        return _Held(
            *(alone.stored, mine, alone.track_map, trace, None),
            reference=path,
            reference_record=other,
            rule=rule,
            comparison=found,
        )

    async def _with_theoretical(self, session: AsyncSession, alone: _Held, trace: Trace) -> _Held:
        mine, track_map = alone.record, alone.track_map
        best = await LapAnalysisService(session).best_segments(mine)
        if track_map is None or not best:
            raise NothingToCompareError(
                mine.lap_id, "its driver has no whole, valid lap by the same corners, of which there may be none yet"
            )
        cut = segments(track_map)
        laps = await find_laps(session, set(best))
        if len(best) != len(cut) or any(lap_id not in laps for lap_id in best):
            raise NothingToCompareError(mine.lap_id, "the laps of its best segments are being analysed anew")
        try:
            traces = {lap_id: await self._traces.trace(session, lap) for lap_id, lap in laps.items()}
        except NotALapError as error:
            raise NothingToCompareError(mine.lap_id, error.detail) from error
        whole = await self._background.run(stitched, trace, [traces[lap_id] for lap_id in best], cut)
        found = await self._background.run(compare, trace, whole, track_map)
        return _Held(
            *(alone.stored, mine, track_map, trace, None),
            reference=whole,
            rule=_THEORETICAL,
            comparison=found,
            pieces=best,
        )


def _document(
    held: _Held,
    *,
    against: str,
    reference_lap: StoredLap | None,
    choices: list[ReferenceChoice],
    coaching: Coaching | None,
    is_failed: bool,
) -> LapView:
    drawn = None
    if held.trace is not None:
        drawn = plots(held.trace, held.reference, None if held.comparison is None else held.comparison.delta_s)
    deltas: Sequence[SegmentDelta] = ()
    if held.comparison is not None and held.track_map is not None:
        deltas = held.comparison.segments
    return LapView(
        lap=lap_row(held.stored),
        against=against,
        reference=_reference(held, reference_lap),
        no_reference=held.no_reference,
        references=choices,
        grid=None if drawn is None else drawn.grid,
        no_grid=held.no_trace,
        channels={} if drawn is None else drawn.channels,
        time=None if drawn is None else drawn.time,
        delta_s=None if drawn is None else drawn.delta_s,
        delta_total_s=None if held.comparison is None else held.comparison.total_s,
        path=None if drawn is None else drawn.path,
        reference_path=None if drawn is None else drawn.reference_path,
        segments=[] if held.track_map is None else view_segments(held.track_map),
        deltas=[SegmentDeltaDocument.model_validate(one) for one in deltas],
        corners=[]
        if held.track_map is None
        else corner_rows(held.track_map, held.record, held.reference_record, deltas),
        exclusions=[]
        if held.trace is None
        else [
            ViewExclusion(from_pct=max(0.0, one.from_pct), to_pct=min(1.0, one.to_pct), reason=one.reason.value)
            for one in held.trace.exclusions
        ],
        theoretical_laps=list(held.pieces),
        coaching=coaching,
        coaching_missing=_why_silent(coaching, is_failed=is_failed),
    )


def _reference(held: _Held, lap: StoredLap | None) -> ViewReference | None:
    if held.reference is None or held.rule is None:
        return None
    return ViewReference(rule=held.rule, lap=None if lap is None else lap_row(lap), lap_time=held.reference.lap_time)


def _why_silent(coaching: Coaching | None, *, is_failed: bool) -> str | None:
    if coaching is not None:
        return None
    if is_failed:
        return "The coach failed on this lap; `racing-coach coaching show` says why."
    return "The coach has not spoken of this lap."


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
