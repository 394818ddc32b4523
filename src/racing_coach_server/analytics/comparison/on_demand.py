"""A lap against whatever somebody asks for; nothing of it is kept."""

import math
from collections.abc import Sequence
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.comparison import Comparison, SegmentDelta
from racing_coach_core.analysis_documents import LapComparisonDocument
from racing_coach_core.coaching import ReferenceRule
from racing_coach_server.analytics.comparison.comparer import Comparer
from racing_coach_server.analytics.comparison.exceptions import NothingToCompareError
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.theoretical import TheoreticalBest
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.dependencies import Dependencies

type Rule = ReferenceRule | Literal["named", "theoretical"]


class ComparisonOnDemand:
    """Compares analysed laps.

    Each raises `NotComparableError` where two laps cannot be held against one another, `NothingToCompareError` where
    there is no other lap, or the lap itself says nothing.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._comparer = dependencies.once(Comparer)
        self._theoretical = dependencies.once(TheoreticalBest)

    async def by_the_rules(self, session: AsyncSession, lap: LapAnalysisRecord) -> LapComparisonDocument:
        """With the lap that the coach would take."""
        _check(lap)
        found = await ReferenceService(session).of(lap)
        if found is None:
            raise NothingToCompareError(
                lap.lap_id,
                "before it nobody drove a whole, valid lap in this car, on this track, in like conditions",
            )
        return await self.with_reference(session, lap, found.analysis, found.rule)

    async def with_best(self, session: AsyncSession, lap: LapAnalysisRecord) -> LapComparisonDocument:
        """With the best of the driver's other laps, whenever it was driven."""
        _check(lap)
        best = await ReferenceService(session).best_other(lap)
        if best is None:
            raise NothingToCompareError(
                lap.lap_id, "its driver has no other whole, valid lap in this car, on this track, in like conditions"
            )
        return await self.with_reference(session, lap, best, ReferenceRule.OWN_BEST)

    async def with_lap(
        self, session: AsyncSession, lap: LapAnalysisRecord, other: LapAnalysisRecord
    ) -> LapComparisonDocument:
        """With any lap of the same track."""
        _check(lap)
        _check(other)
        return await self.with_reference(session, lap, other, "named")

    async def with_theoretical(self, session: AsyncSession, lap: LapAnalysisRecord) -> LapComparisonDocument:
        """With the best of each segment over the driver's laps."""
        _check(lap)
        deltas = await self._theoretical.losses(session, lap)
        total = sum(one.loss_s for one in deltas)
        assert lap.lap_time is not None
        return _document(lap, lap.lap_time - total, total, deltas, rule="theoretical", reference=None, comparison=None)

    async def with_reference(
        self, session: AsyncSession, lap: LapAnalysisRecord, other: LapAnalysisRecord, rule: Rule
    ) -> LapComparisonDocument:
        """With a lap that somebody has found by a rule."""
        found = await self._comparer.between(session, lap, other)
        assert other.lap_time is not None
        return _document(
            lap, other.lap_time, found.total_s, found.segments, rule=rule, reference=other, comparison=found
        )


def _check(lap: LapAnalysisRecord) -> None:
    if lap.status != "done" or lap.lap_time is None:
        raise NothingToCompareError(lap.lap_id, lap.detail or "it was not analysed")


def _document(
    lap: LapAnalysisRecord,
    reference_s: float,
    delta_s: float,
    segments: Sequence[SegmentDelta],
    *,
    rule: Rule,
    reference: LapAnalysisRecord | None,
    comparison: Comparison | None,
) -> LapComparisonDocument:
    """Places and deltas are there only where a lap was driven."""
    delta = None if comparison is None else comparison.delta_s
    return LapComparisonDocument.model_validate(
        {
            "lap_id": lap.lap_id,
            "reference_lap_id": None if reference is None else reference.lap_id,
            "rule": rule,
            # By where the reference has the line, so that the two times differ by what the segments lost.
            "lap_time": reference_s + delta_s,
            "reference_lap_time": reference_s,
            "delta_s": delta_s,
            "segments": list(segments),
            "pct": [] if comparison is None else comparison.pct.tolist(),
            "delta": [] if delta is None else [value if math.isfinite(value) else None for value in delta.tolist()],
        }
    )
