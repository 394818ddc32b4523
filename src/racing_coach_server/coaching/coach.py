"""What to say of one lap, from its reference, the driver's last laps and what was said of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.advice import advise
from racing_coach_analysis.analysed import Analysed
from racing_coach_analysis.coaching import Coaching, Said, Silence, silence_for, silent
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.track_map import NO_CORNERS
from racing_coach_analysis.words import words
from racing_coach_core import coaching as wire
from racing_coach_server.analytics.comparison.comparer import map_of
from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import MeasuredLap
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.lap_analysis.traces import Recent
from racing_coach_server.coaching.schemas import advice_of, praise_of
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.schemas import StoredLap

HISTORY: Final = 20
"""How many of the driver's last laps are looked at."""

_KEPT_BYTES: Final = 32 << 20
"""Of laps as the coach remembers them; one of 4 km takes 50 KB."""


class Coach:
    """Speaks of stored laps."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._background = dependencies.background
        self._language = dependencies.settings.coaching.language
        self._remembered = Recent[tuple[UUID, datetime], Analysed](_bytes, _KEPT_BYTES)

    async def speak(self, session: AsyncSession, stored: StoredLap) -> wire.Coaching:
        """The message for one analysed and compared lap."""
        analyses, comparisons = LapAnalysisService(session), ComparisonService(session)
        lap, comparison = await analyses.find(stored.lap_id), await comparisons.find(stored.lap_id)
        assert lap is not None
        assert comparison is not None  # `is_due` has seen both
        reference = None
        if comparison.reference_lap_id is not None and comparison.status == "done":
            reference = await analyses.find(comparison.reference_lap_id)
        said = await self._advise(session, lap, comparison, reference)
        return _message(stored, comparison, reference, said)

    async def _advise(
        self,
        session: AsyncSession,
        lap: LapAnalysisRecord,
        comparison: LapComparisonRecord,
        reference: LapAnalysisRecord | None,
    ) -> Coaching:
        speech = words(self._language)
        if lap.status != "done":
            silence = silence_for(Reason(lap.reason)) if lap.reason else Silence.NOT_A_WHOLE_LAP
            return silent(
                silence, f"{speech.silence(silence)} ({lap.detail})" if lap.detail else speech.silence(silence)
            )
        if lap.remembered is None or reference is None or reference.remembered is None:
            detail = f" ({comparison.detail})" if comparison.detail else ""
            return silent(Silence.NO_REFERENCE, speech.silence(Silence.NO_REFERENCE) + detail)
        before = [*await LapAnalysisService(session).before(lap, limit=HISTORY)][::-1]
        keys = await CoachingService(session).said([one.lap_id for one in before])
        return await self._background.run(
            advise,
            self._recall(lap.lap_id, lap.created_at, lap.remembered),
            self._recall(reference.lap_id, reference.created_at, reference.remembered),
            await self._history(session, before),
            [Said(tuple(keys.get(one.lap_id, ()))) for one in before],
            await map_of(session, lap) or NO_CORNERS,
            language=self._language,
        )

    async def _history(self, session: AsyncSession, laps: Sequence[MeasuredLap]) -> list[Analysed]:
        """Laps in their order. Only those that are not in memory are read: reading takes longer than using."""
        new = [one.lap_id for one in laps if self._remembered.get((one.lap_id, one.created_at)) is None]
        read = await LapAnalysisService(session).remembered(new)
        found = [self._remembered.get((one.lap_id, one.created_at)) for one in laps]
        return [
            kept or self._recall(one.lap_id, one.created_at, read[one.lap_id])
            for one, kept in zip(laps, found, strict=True)
            if kept is not None or one.lap_id in read
        ]

    def _recall(self, lap_id: UUID, analysed_at: datetime, remembered: Mapping[str, Any]) -> Analysed:
        key = (lap_id, analysed_at)
        kept = self._remembered.get(key)
        if kept is None:
            kept = Analysed.from_json(remembered)
            self._remembered.put(key, kept)
        return kept


def _bytes(lap: Analysed) -> int:
    return lap.time_s.nbytes * (1 + len(lap.channels))


def _message(
    stored: StoredLap,
    comparison: LapComparisonRecord,
    reference: LapAnalysisRecord | None,
    said: Coaching,
) -> wire.Coaching:
    """The wire's message."""
    return wire.Coaching(
        lap_id=stored.lap_id,
        session_id=stored.session.session_id,
        lap_number=stored.lap_number,
        lap_time=stored.lap_time,
        driver_id=stored.session.driver_id,
        created_at=datetime.now(UTC),
        reference=_reference(comparison, reference),
        delta_s=said.delta_s if said.delta_s is not None else comparison.delta_s,
        advice=[advice_of(one) for one in said.advice],
        praise=[praise_of(one) for one in said.praise],
        silence=None if said.silence is None else wire.Silence(said.silence.value),
        silence_text=said.silence_text,
    )


def _reference(comparison: LapComparisonRecord, reference: LapAnalysisRecord | None) -> wire.Reference | None:
    if reference is None or reference.lap_time is None or comparison.rule is None:
        return None
    return wire.Reference(
        lap_id=reference.lap_id, lap_time=reference.lap_time, rule=wire.ReferenceRule(comparison.rule)
    )
