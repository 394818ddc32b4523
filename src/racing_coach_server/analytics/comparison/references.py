"""With which lap a lap is compared: the chosen one, the driver's own best, or the best of that car on this server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.coaching import ReferenceRule
from racing_coach_server.analytics.comparison.exceptions import NoReferenceError
from racing_coach_server.analytics.comparison.models import ChosenReferenceRecord
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import Combination
from racing_coach_server.telemetry.models import LapRecord

_TRIED: Final = 200
"""Best laps that are looked at first. If one lap in twenty was there, one of these was (but for 1 in 28,000)."""

_KEY: Final = ("driver", "track_id", "track_config_name", "car_id")


@dataclass(frozen=True, slots=True)
class FoundReference:
    """The lap to compare with, and why it is the one."""

    analysis: LapAnalysisRecord
    rule: ReferenceRule


@dataclass(frozen=True, slots=True)
class ChosenReference:
    """What a driver has chosen, and the lap's time in s."""

    record: ChosenReferenceRecord
    lap_time: float | None


class ReferenceService:
    """References, chosen and found. Flushes; the caller commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, lap: LapAnalysisRecord) -> FoundReference | None:
        """The reference of an analysed lap: never itself, nor one of another track, configuration, car or weather."""
        for rule, find in (
            (ReferenceRule.CHOSEN, self._chosen),
            (ReferenceRule.OWN_BEST, self._own_best),
            (ReferenceRule.CAR_BEST, self._car_best),
        ):
            found = await find(lap)
            if found is not None:
                return FoundReference(found, rule)
        return None

    async def _chosen(self, lap: LapAnalysisRecord) -> LapAnalysisRecord | None:
        chosen = select(ChosenReferenceRecord.lap_id).filter_by(**{name: getattr(lap, name) for name in _KEY})
        statement = select(LapAnalysisRecord).where(
            LapAnalysisRecord.lap_id.in_(chosen),
            LapAnalysisRecord.is_reference,
            LapAnalysisRecord.is_wet == lap.is_wet,
            LapAnalysisRecord.lap_id != lap.lap_id,
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def _own_best(self, lap: LapAnalysisRecord) -> LapAnalysisRecord | None:
        """Of the laps before this one: what a driver does later does not change what was said."""
        return await self._best(
            lap, LapAnalysisRecord.driver == lap.driver, LapAnalysisRecord.driven_at <= lap.driven_at
        )

    async def _car_best(self, lap: LapAnalysisRecord) -> LapAnalysisRecord | None:
        """Of the laps that the server had when this one came: compared anew, a lap has the reference that it had.

        For a lap that just came, the best one there is was there. For one of long ago, most of the best came later:
        then the few are looked through that were there.
        """
        came = select(LapRecord.received_at).where(LapRecord.id == lap.lap_id).scalar_subquery()
        best = _candidates(lap).with_only_columns(LapAnalysisRecord.lap_id, LapAnalysisRecord.lap_time)
        best_ones = best.order_by(LapAnalysisRecord.lap_time).limit(_TRIED).subquery()
        first = (
            select(best_ones.c.lap_id)
            .join(LapRecord, LapRecord.id == best_ones.c.lap_id)
            .where(LapRecord.received_at <= came)
            .order_by(best_ones.c.lap_time)
            .limit(1)
        )
        found = (await self._session.execute(first)).scalar_one_or_none()
        if found is not None:
            return await self._session.get(LapAnalysisRecord, found)
        where = {name: getattr(lap, name) for name in _KEY if name != "driver"}
        there = select(LapRecord.id).filter_by(**where).where(LapRecord.received_at <= came)
        # Materialized: else PostgreSQL goes through the best of all, and hopes to find one soon.
        were_there = there.cte("were_there").prefix_with("materialized")
        return await self._best(lap, LapAnalysisRecord.lap_id.in_(select(were_there.c.id)))

    async def best_other(self, lap: LapAnalysisRecord) -> LapAnalysisRecord | None:
        """The best lap of a lap's driver, besides the lap itself, whenever it was driven."""
        return await self._best(lap, LapAnalysisRecord.driver == lap.driver)

    async def best_in_car(self, lap: LapAnalysisRecord) -> LapAnalysisRecord | None:
        """The best lap in a lap's car, besides the lap itself, whoever drove it and whenever."""
        return await self._best(lap)

    async def chosen(self, driver: str | None = None) -> Sequence[ChosenReference]:
        """What drivers have chosen, by driver and track; of one driver or of all."""
        statement = (
            select(ChosenReferenceRecord, LapRecord.lap_time)
            .join(LapRecord, LapRecord.id == ChosenReferenceRecord.lap_id)
            .order_by(*(getattr(ChosenReferenceRecord, name) for name in _KEY))
        )
        if driver is not None:
            statement = statement.where(ChosenReferenceRecord.driver == driver)
        return [ChosenReference(*row) for row in await self._session.execute(statement)]

    async def _best(self, lap: LapAnalysisRecord, *conditions: ColumnElement[bool]) -> LapAnalysisRecord | None:
        statement = _candidates(lap).where(*conditions).order_by(LapAnalysisRecord.lap_time).limit(1)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def choose(self, lap_id: UUID, driver: str) -> LapAnalysisRecord:
        """Have a driver compared with a lap, wherever its car, track and configuration are driven.

        Raises:
            NoReferenceError: the lap cannot be one.
        """
        lap = await self._session.get(LapAnalysisRecord, lap_id)
        if lap is None:
            raise NoReferenceError(lap_id, "it is not analysed yet: `racing-coach analyze --lap` does it now")
        if not lap.is_reference:
            raise NoReferenceError(lap_id, lap.detail or "it is not a whole, valid lap with a time")
        values = {name: getattr(lap, name) for name in _KEY} | {"driver": driver}
        statement = insert(ChosenReferenceRecord).values(**values, lap_id=lap_id)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=list(_KEY), set_={"lap_id": statement.excluded.lap_id})
        )
        return lap

    async def forget_laps(self, lap_ids: Sequence[UUID]) -> int:
        """Let the rules choose again wherever one of these laps was chosen. Returns how many choices there were."""
        statement = delete(ChosenReferenceRecord).where(ChosenReferenceRecord.lap_id.in_(lap_ids))
        return len((await self._session.execute(statement.returning(ChosenReferenceRecord.lap_id))).all())

    async def forget(self, driver: str, combination: Combination | None = None) -> int:
        """Let the rules choose again, for one combination or all of a driver. Returns how many choices there were."""
        statement = delete(ChosenReferenceRecord).where(ChosenReferenceRecord.driver == driver)
        if combination is not None:
            statement = statement.filter_by(
                track_id=combination.track_id,
                track_config_name=combination.track_config_name,
                car_id=combination.car_id,
            )
        result = await self._session.execute(statement.returning(ChosenReferenceRecord.lap_id))
        return len(result.all())


def _candidates(lap: LapAnalysisRecord) -> Select[LapAnalysisRecord]:
    """Laps that a lap may be compared with, whoever drove them and whenever."""
    where = {name: getattr(lap, name) for name in _KEY if name != "driver"}
    return (
        select(LapAnalysisRecord)
        .filter_by(**where, is_wet=lap.is_wet, is_reference=True)
        .where(LapAnalysisRecord.lap_id != lap.lap_id)
    )
