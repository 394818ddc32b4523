"""Comparisons in the database: which are to be made, and what was found. Flushes; the caller commits."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.analytics.lap_analysis.events import LapAnalysed
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.following.frontier import Window
from racing_coach_server.telemetry.models import LapRecord

VERSION: Final = 1
"""Of how laps are compared; a higher one compares again what failed, and on demand everything."""

_COUNTED: Final = 10_000

_FOUND: Final = ("reference_lap_id", "rule", "delta_s", "detail", "comparison")

type Values = dict[str, Any]
"""Columns of a `LapComparisonRecord`."""


class ComparisonService:
    """Everything that is done with comparisons in the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, lap_id: UUID) -> LapComparisonRecord | None:
        """The comparison of a lap, None if it has none yet."""
        return await self._session.get(LapComparisonRecord, lap_id)

    async def keep(self, lap: LapAnalysisRecord, values: Values) -> LapComparisonRecord:
        """Keep a comparison of an analysed lap in place of the one before. What is not among the values is null."""
        row = dict.fromkeys(_FOUND) | values | {"version": VERSION, "analysed_at": lap.created_at}
        statement = insert(LapComparisonRecord).values(lap_id=lap.lap_id, **row)
        again: Values = {name: statement.excluded[name] for name in row} | {"created_at": statement.excluded.created_at}
        kept = statement.on_conflict_do_update(index_elements=["lap_id"], set_=again).returning(LapComparisonRecord)
        return (await self._session.execute(kept, execution_options={"populate_existing": True})).scalar_one()

    async def forget(self, lap_ids: Sequence[UUID]) -> None:
        """Delete what laps were compared with."""
        await self._session.execute(delete(LapComparisonRecord).where(LapComparisonRecord.lap_id.in_(lap_ids)))

    async def compare_again(self, references: Sequence[UUID]) -> int:
        """Have the laps that were compared with one of these compared again, by the next catch-up. Returns how many."""
        compared = select(LapComparisonRecord.lap_id).where(LapComparisonRecord.reference_lap_id.in_(references))
        # A comparison says which analysis it was made from: with another it is made anew.
        again = update(LapAnalysisRecord).where(LapAnalysisRecord.lap_id.in_(compared)).values(created_at=func.now())
        return len((await self._session.execute(again.returning(LapAnalysisRecord.lap_id))).all())

    async def pending(self, limit: int, window: Window = Window()) -> Sequence[LapAnalysed]:  # noqa: B008 (frozen)
        """Laps that were analysed within a window and are to be compared, the newest first."""
        statement = (
            select(LapAnalysisRecord.lap_id, LapRecord.created_at)
            .join(LapRecord, LapRecord.id == LapAnalysisRecord.lap_id)
            .where(_to_do(), window.holds(LapAnalysisRecord.created_at))
            .where(window.is_ours(LapRecord.cell, LapRecord.created_at))
            .order_by(LapAnalysisRecord.created_at.desc())
            .limit(limit)
        )
        return [LapAnalysed(*row) for row in await self._session.execute(statement)]

    async def behind(self) -> int:
        """How many laps wait to be compared, up to 10,000."""
        waiting = select(LapAnalysisRecord.lap_id).where(_to_do()).limit(_COUNTED).subquery()
        return (await self._session.execute(select(func.count()).select_from(waiting))).scalar_one()

    async def is_due(self, lap_id: UUID) -> bool:
        """Whether a lap is analysed, and not compared since."""
        statement = select(exists().where(LapAnalysisRecord.lap_id == lap_id, _to_do()))
        return bool((await self._session.execute(statement)).scalar())


def _to_do() -> ColumnElement[bool]:
    """Analyses of which there is no comparison; those that failed wait for another version."""
    compared = exists().where(
        LapComparisonRecord.lap_id == LapAnalysisRecord.lap_id,
        LapComparisonRecord.analysed_at == LapAnalysisRecord.created_at,
        or_(LapComparisonRecord.status != "failed", LapComparisonRecord.version >= VERSION),
    )
    return ~compared & (LapAnalysisRecord.status != "failed")
