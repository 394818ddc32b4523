"""Analyses in the database: which are to be made, and what was found. Flushes; the caller commits."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Double, and_, cast, exists, func, literal, or_, select, true, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import VERSION, Combination, MeasuredLap, Values
from racing_coach_server.analytics.track_maps.models import TrackMapRecord
from racing_coach_server.following.frontier import Window
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps

_COUNTED: Final = 10_000
"""More laps than these that wait need no exact number."""

_FAILED: Final = literal("failed", literal_execute=True)
_DONE: Final = literal("done", literal_execute=True)
"""Written out in the statement: with a parameter PostgreSQL would not know that `ix_lap_analyses_again` fits."""


class LapAnalysisService:
    """Everything that is done with analyses in the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, lap_id: UUID) -> LapAnalysisRecord | None:
        """The analysis of a lap, None if it has none yet."""
        return await self._session.get(LapAnalysisRecord, lap_id)

    async def keep(self, values: Values) -> LapAnalysisRecord:
        """Keep what was found in a lap, in place of what was found before."""
        statement = insert(LapAnalysisRecord).values(**values)
        again = {name: statement.excluded[name] for name in values if name != "lap_id"} | {
            "created_at": statement.excluded.created_at
        }
        kept = statement.on_conflict_do_update(index_elements=["lap_id"], set_=again).returning(LapAnalysisRecord)
        return (await self._session.execute(kept, execution_options={"populate_existing": True})).scalar_one()

    async def analyse_again(self, lap_ids: Sequence[UUID], why: str) -> None:
        """Have laps analysed as if an older version had failed on them: by the next catch-up, or when shown."""
        nothing = dict.fromkeys(("reason", "track_map_id", "analysis", "remembered"))
        await self._session.execute(
            update(LapAnalysisRecord)
            .where(LapAnalysisRecord.lap_id.in_(lap_ids))
            .values(status="failed", version=0, is_reference=False, detail=why, **nothing)
        )

    async def pending(self, limit: int, window: Window = Window()) -> Sequence[LapStored]:  # noqa: B008 (frozen)
        """Laps that were stored within a window and are to be analysed, newest first, then those to be done again."""
        to_do = ~exists().where(LapAnalysisRecord.lap_id == LapRecord.id)
        mine = window.is_ours(LapRecord.cell, LapRecord.created_at)
        found = await StoredLaps(self._session).events(to_do, window.holds(LapRecord.created_at), mine, limit=limit)
        if len(found) == limit:
            return found
        again = LapRecord.id.in_(select(LapAnalysisRecord.lap_id).where(_again()))
        return [*found, *await StoredLaps(self._session).events(again, limit=limit - len(found))]

    async def is_due(self, lap_id: UUID) -> bool:
        """Whether a lap is to be analysed: for the first time, after a failure of an older version, or by a new map."""
        mine = LapAnalysisRecord.lap_id == lap_id
        return bool(
            (await self._session.execute(select(~exists().where(mine) | exists().where(mine, _again())))).scalar()
        )

    async def behind(self) -> int:
        """How many laps wait to be analysed, up to 10,000."""
        to_do = ~exists().where(LapAnalysisRecord.lap_id == LapRecord.id)
        waiting = select(LapRecord.id).where(to_do).limit(_COUNTED).subquery()
        return (await self._session.execute(select(func.count()).select_from(waiting))).scalar_one()

    async def without_map(self, where: Combination, *, besides: UUID, limit: int) -> Sequence[UUID]:
        """Good laps of a track that has no map yet, the first ones first."""
        statement = (
            select(LapAnalysisRecord.lap_id)
            .filter_by(track_id=where.track_id, track_config_name=where.track_config_name, is_reference=True)
            .where(
                LapAnalysisRecord.lap_id != besides,
                LapAnalysisRecord.status == _DONE,
                LapAnalysisRecord.track_map_id.is_(None),
            )
            .order_by(LapAnalysisRecord.driven_at)
            .limit(limit)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def fastest(self, where: Combination, *, besides: UUID) -> UUID | None:
        """The fastest lap of a car on a track, in the dry."""
        statement = (
            select(LapAnalysisRecord.lap_id)
            .filter_by(
                track_id=where.track_id,
                track_config_name=where.track_config_name,
                car_id=where.car_id,
                is_reference=True,
                is_wet=False,
            )
            .where(LapAnalysisRecord.lap_id != besides)
            .order_by(LapAnalysisRecord.lap_time)
            .limit(1)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def before(self, lap: LapAnalysisRecord, *, limit: int) -> Sequence[MeasuredLap]:
        """The driver's laps before this one, by the same map, in the same car and conditions, the last one first."""
        statement = (
            select(LapAnalysisRecord.lap_id, LapAnalysisRecord.created_at)
            .filter_by(
                driver=lap.driver,
                track_id=lap.track_id,
                track_config_name=lap.track_config_name,
                car_id=lap.car_id,
                is_wet=lap.is_wet,
                status="done",
                track_map_id=lap.track_map_id,
            )
            .where(LapAnalysisRecord.lap_id != lap.lap_id, LapAnalysisRecord.driven_at <= lap.driven_at)
            .order_by(LapAnalysisRecord.driven_at.desc())
            .limit(limit)
        )
        return [MeasuredLap(*row) for row in await self._session.execute(statement)]

    async def remembered(self, lap_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
        """Measured laps as the coach compares them with others."""
        if not lap_ids:
            return {}
        columns = select(LapAnalysisRecord.lap_id, LapAnalysisRecord.remembered)
        rows = await self._session.execute(columns.where(LapAnalysisRecord.lap_id.in_(lap_ids)))
        return {lap_id: remembered for lap_id, remembered in rows if remembered is not None}

    async def best_segments(self, lap: LapAnalysisRecord) -> Sequence[UUID]:
        """For each segment in driving order, the lap in which the driver of a lap was fastest in it.

        Of the driver's good laps by the same map, in the same car and conditions; nothing without one.
        """
        elements = func.jsonb_array_elements_text(LapAnalysisRecord.analysis["segment_times_s"])
        times = elements.table_valued("time_s", with_ordinality="number").render_derived(name="segments")
        statement = (
            select(LapAnalysisRecord.lap_id)
            .ext(distinct_on(times.c.number))
            .select_from(LapAnalysisRecord)
            .join(times, true())
            .filter_by(
                driver=lap.driver,
                track_id=lap.track_id,
                track_config_name=lap.track_config_name,
                car_id=lap.car_id,
                is_wet=lap.is_wet,
                is_reference=True,
                track_map_id=lap.track_map_id,
            )
            .order_by(times.c.number, cast(times.c.time_s, Double), LapAnalysisRecord.driven_at)
        )
        return (await self._session.execute(statement)).scalars().all()


def _again() -> ColumnElement[bool]:
    """Rows that are to be made anew: failed in an older version, or made before the track had a map."""
    has_map = exists().where(
        TrackMapRecord.track_id == LapAnalysisRecord.track_id,
        TrackMapRecord.track_config_name == LapAnalysisRecord.track_config_name,
    )
    return or_(
        and_(LapAnalysisRecord.status == _FAILED, LapAnalysisRecord.version < VERSION),
        and_(LapAnalysisRecord.status == _DONE, LapAnalysisRecord.track_map_id.is_(None), has_map),
    )
