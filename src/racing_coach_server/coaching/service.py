"""What the coach said, in the database. Flushes; the caller commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.events import LapCompared
from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.coaching.models import CoachingRecord
from racing_coach_server.database.announcing import Announced, announcing
from racing_coach_server.following.frontier import FRESH, Window
from racing_coach_server.telemetry.models import LapRecord

VERSION: Final = 4
"""Of how advice is chosen; a higher one speaks anew where it failed, and on demand everywhere."""

_COUNTED: Final = 10_000

type Values = dict[str, Any]
"""Columns of a `CoachingRecord`."""


class CoachingService:
    """Everything that the coach does with the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, lap_id: UUID) -> CoachingRecord | None:
        """What was said of a lap, None if nothing was yet."""
        return await self._session.get(CoachingRecord, lap_id)

    async def newest(self, rig_id: str, *, limit: int) -> Sequence[CoachingRecord]:
        """What was said last to a rig, newest first."""
        statement = (
            select(CoachingRecord)
            .where(CoachingRecord.rig_id == rig_id)
            .order_by(CoachingRecord.created_at.desc())
            .limit(limit)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def said(self, lap_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
        """The keys of the advice that was given on each of these laps."""
        keys = func.jsonb_path_query_array(CoachingRecord.message, cast("$.advice[*].key", JSONPATH), type_=JSONB)
        statement = select(CoachingRecord.lap_id, keys).where(CoachingRecord.lap_id.in_(lap_ids))
        return {lap_id: said or [] for lap_id, said in await self._session.execute(statement)}

    async def keep(self, comparison: LapComparisonRecord, values: Values) -> None:
        """Keep what is said of a compared lap, in place of what was said before. That it was published stays so."""
        row: Values = {"message": None, "detail": None, "version": VERSION, "compared_at": comparison.created_at}
        row |= values
        statement = insert(CoachingRecord).values(lap_id=comparison.lap_id, **row)
        again: Values = {name: statement.excluded[name] for name in row} | {"created_at": statement.excluded.created_at}
        kept = statement.on_conflict_do_update(index_elements=["lap_id"], set_=again)
        said = kept.returning(CoachingRecord.lap_id).cte("said")
        await self._session.execute(announcing(said, Announced.COACHING, said.c.lap_id))

    async def forget(self, lap_ids: Sequence[UUID]) -> None:
        """Delete what was said of laps."""
        await self._session.execute(delete(CoachingRecord).where(CoachingRecord.lap_id.in_(lap_ids)))

    async def unpublished(self, lap_id: UUID, cell: str) -> tuple[CoachingRecord, datetime] | None:
        """What a cell is to say of a lap now, and when the lap was stored: not yet seen published, and still fresh."""
        statement = (
            select(CoachingRecord, LapRecord.created_at)
            .join(LapRecord, LapRecord.id == CoachingRecord.lap_id)
            .where(CoachingRecord.lap_id == lap_id, _to_say(cell))
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def was_published(self, lap_id: UUID) -> None:
        """The broker has accepted it."""
        await self._session.execute(
            update(CoachingRecord).where(CoachingRecord.lap_id == lap_id).values(published_at=func.now())
        )

    async def pending(self, limit: int, window: Window = Window()) -> Sequence[LapCompared]:  # noqa: B008 (frozen)
        """Laps that were compared within a window and of which nothing was said yet, the newest first."""
        statement = (
            select(LapComparisonRecord.lap_id, LapRecord.created_at)
            .join(LapRecord, LapRecord.id == LapComparisonRecord.lap_id)
            .where(_to_do(), window.holds(LapComparisonRecord.created_at))
            .where(window.is_ours(LapRecord.cell, LapRecord.created_at))
            .order_by(LapComparisonRecord.created_at.desc())
            .limit(limit)
        )
        return [LapCompared(*row) for row in await self._session.execute(statement)]

    async def unsaid(self, limit: int, cell: str) -> Sequence[LapCompared]:
        """A cell's laps whose coaching is stored, fresh, and not seen published; the newest first."""
        statement = (
            select(LapRecord.id, LapRecord.created_at)
            .join(CoachingRecord, CoachingRecord.lap_id == LapRecord.id)
            .where(_to_say(cell))
            .order_by(LapRecord.created_at.desc())
            .limit(limit)
        )
        return [LapCompared(*row) for row in await self._session.execute(statement)]

    async def behind(self) -> int:
        """Of how many laps nothing was said yet, up to 10,000."""
        waiting = select(LapComparisonRecord.lap_id).where(_to_do()).limit(_COUNTED).subquery()
        return (await self._session.execute(select(func.count()).select_from(waiting))).scalar_one()

    async def is_due(self, lap_id: UUID) -> bool:
        """Whether a lap is compared, and nothing was said of it since."""
        statement = select(exists().where(LapComparisonRecord.lap_id == lap_id, _to_do()))
        return bool((await self._session.execute(statement)).scalar())


def _to_do() -> ColumnElement[bool]:
    """Comparisons of which nothing was said; what failed waits for another version."""
    said = exists().where(
        CoachingRecord.lap_id == LapComparisonRecord.lap_id,
        CoachingRecord.compared_at == LapComparisonRecord.created_at,
        or_(CoachingRecord.status != "failed", CoachingRecord.version >= VERSION),
    )
    return ~said & (LapComparisonRecord.status != "failed")


def _to_say(cell: str) -> ColumnElement[bool]:
    """What is worth saying now, and reaches the rig, which is at the broker by which its lap came."""
    return and_(
        or_(LapRecord.cell.is_(None), LapRecord.cell == cell),
        CoachingRecord.status == "done",
        CoachingRecord.published_at.is_(None),
        LapRecord.created_at > func.now() - FRESH,
    )
