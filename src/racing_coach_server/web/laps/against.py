"""What a lap is held against: by a word, or by a lap's id."""

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.coaching import ReferenceRule
from racing_coach_core.web_laps import ReferenceChoice
from racing_coach_server.analytics.comparison.exceptions import NothingToCompareError
from racing_coach_server.analytics.comparison.on_demand import Rule
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.web.exceptions import BadQueryError
from racing_coach_server.web.laps.analyses import Analyses
from racing_coach_server.web.laps.rows import find_lap, find_laps, lap_row

type Word = Literal["coach", "own_best", "car_best", "theoretical", "none"]

_WORDS: Final[tuple[Word, ...]] = ("coach", "own_best", "car_best", "theoretical", "none")
_LAST: Final = 12
"""Of the driver's own laps, those driven last are offered."""
_OTHERS: Final = 8
"""Of other drivers, the best laps."""


def asked(against: str) -> Word | UUID:
    """What is meant.

    Raises:
        BadQueryError: nothing that can be.
    """
    for word in _WORDS:
        if against == word:
            return word
    try:
        return UUID(against)
    except ValueError as error:
        raise BadQueryError("against", f"is one of {', '.join(_WORDS)}, or a lap's id") from error


class Against:
    """Finds references."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._analyses = dependencies.once(Analyses)

    async def find(
        self, session: AsyncSession, lap: LapAnalysisRecord, which: Word | UUID
    ) -> tuple[LapAnalysisRecord, Rule]:
        """The lap to hold a lap against, and by which rule it is the one.

        Raises:
            LapNotFoundError: no such lap is stored.
            NothingToCompareError: the rule finds none.
        """
        references = ReferenceService(session)
        if isinstance(which, UUID):
            return await self._analyses.of(session, await find_lap(session, which)), "named"
        if which == "own_best":
            if (best := await references.best_other(lap)) is not None:
                return best, ReferenceRule.OWN_BEST
            raise NothingToCompareError(
                lap.lap_id, "its driver has no other whole, valid lap in this car, on this track, in like conditions"
            )
        if which == "car_best":
            if (best := await references.best_in_car(lap)) is not None:
                return best, ReferenceRule.CAR_BEST
            raise NothingToCompareError(
                lap.lap_id, "there is no other whole, valid lap in this car, on this track, in like conditions"
            )
        return await self._of_the_coach(session, lap)

    async def _of_the_coach(self, session: AsyncSession, lap: LapAnalysisRecord) -> tuple[LapAnalysisRecord, Rule]:
        """The lap that the coach has compared it with, or would."""
        compared = await ComparisonService(session).find(lap.lap_id)
        if compared is not None and compared.reference_lap_id is not None and compared.rule is not None:
            reference = await LapAnalysisService(session).find(compared.reference_lap_id)
            if reference is not None:
                return reference, ReferenceRule(compared.rule)
        found = await ReferenceService(session).of(lap)
        if found is None:
            raise NothingToCompareError(
                lap.lap_id,
                "before it nobody drove a whole, valid lap in this car, on this track, in like conditions",
            )
        return found.analysis, found.rule

    async def choices(self, session: AsyncSession, lap: LapAnalysisRecord) -> Sequence[ReferenceChoice]:
        """What a lap can be held against: the rules' laps, the driver's last ones, the best of others."""
        references = ReferenceService(session)
        ids: list[tuple[str, UUID]] = []
        for word, best in (
            ("own_best", await references.best_other(lap)),
            ("car_best", await references.best_in_car(lap)),
        ):
            if best is not None:
                ids.append((word, best.lap_id))
        others = [*await _last_own(session, lap), *await _best_of_others(session, lap)]
        ids += [(str(lap_id), lap_id) for lap_id in others]
        laps = await find_laps(session, [lap_id for _, lap_id in ids])
        found = [
            ReferenceChoice(against=word, lap=lap_row(laps[lap_id]), lap_time=laps[lap_id].lap_time)
            for word, lap_id in ids
            if lap_id in laps
        ]
        if lap.track_map_id is not None and lap.analysis is not None:
            found.insert(min(2, len(found)), ReferenceChoice(against="theoretical", lap=None, lap_time=None))
        return found


def _of_the_same(lap: LapAnalysisRecord) -> dict[str, object]:
    return {
        "track_id": lap.track_id,
        "track_config_name": lap.track_config_name,
        "car_id": lap.car_id,
        "is_valid": True,
    }


async def _last_own(session: AsyncSession, lap: LapAnalysisRecord) -> Sequence[UUID]:
    statement = (
        select(LapRecord.id)
        .filter_by(**_of_the_same(lap), driver=lap.driver)
        .where(LapRecord.id != lap.lap_id)
        .order_by(LapRecord.driven_at.desc(), LapRecord.id.desc())
        .limit(_LAST)
    )
    return (await session.scalars(statement)).all()


async def _best_of_others(session: AsyncSession, lap: LapAnalysisRecord) -> Sequence[UUID]:
    """The best laps in the same car by other drivers; of one who is fast there may be several."""
    statement = (
        select(LapAnalysisRecord.lap_id)
        .filter_by(
            track_id=lap.track_id,
            track_config_name=lap.track_config_name,
            car_id=lap.car_id,
            is_wet=lap.is_wet,
            is_reference=True,
        )
        .where(LapAnalysisRecord.driver != lap.driver)
        .order_by(LapAnalysisRecord.lap_time)
        .limit(_OTHERS)
    )
    return (await session.scalars(statement)).all()
