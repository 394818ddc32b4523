"""Which tracks, cars, drivers and rigs there are laps of."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.search.schemas import Facet

type _Columns = tuple[InstrumentedAttribute[str], ...]


class LapFacets:
    """What laps can be told apart by. A look into an index for each answer, however many laps it is of."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def tracks(self, *, limit: int = 1000) -> Sequence[Facet]:
        """Tracks and their configurations, by id."""
        return await self._facets((LapRecord.track_id, LapRecord.track_config_name), TrackSession.track_name, limit)

    async def cars(self, *, limit: int = 1000) -> Sequence[Facet]:
        """Cars, by id."""
        return await self._facets((LapRecord.car_id,), TrackSession.car_name, limit)

    async def drivers(self, *, limit: int = 1000) -> Sequence[Facet]:
        """Drivers, and rigs of drivers without a name, by id."""
        name = func.coalesce(TrackSession.driver_name, TrackSession.driver_id, TrackSession.rig_id)
        return await self._facets((LapRecord.driver,), name, limit)

    async def rigs(self, *, limit: int = 1000) -> Sequence[Facet]:
        """Rigs, by name."""
        return await self._facets((LapRecord.rig_id,), LapRecord.rig_id, limit)

    async def _facets(self, columns: _Columns, name: SQLColumnExpression[str], limit: int) -> Sequence[Facet]:
        """Each of them beside the lap received last that is of it."""
        each = _distinct(columns, limit)
        values = [each.c[column.key] for column in columns]
        last = (
            select(name.label("name"), LapRecord.received_at)
            .join(TrackSession, LapRecord.track_session_id == TrackSession.id)
            .where(*(column == value for column, value in zip(columns, values, strict=True)))
            .order_by(LapRecord.received_at.desc(), LapRecord.id.desc())
            .limit(1)
            .lateral()
        )
        rows = await self._session.execute(
            select(last.c.name, last.c.received_at, *values).join_from(each, last, true()).order_by(*values)
        )
        return [Facet(key, name or key, at, *config) for name, at, key, *config in rows]


def _distinct(columns: _Columns, limit: int) -> Any:
    """The values there are of columns that begin an index: from each one a step to the next greater one.

    `select distinct` would go through all laps; PostgreSQL has no such step of its own (its wiki calls it "loose index
    scan").
    """
    first = select(*columns).order_by(*columns).limit(1)
    each = select(first.subquery()).cte("each", recursive=True)
    lap = aliased(LapRecord)
    steps = [getattr(lap, column.key) for column in columns]
    here = tuple_(*(each.c[column.key] for column in columns))
    step: Select[*tuple[Any, ...]] = select(*steps).where(tuple_(*steps) > here).order_by(*steps).limit(1)
    following = step.lateral()
    all_of_them = each.union_all(select(following).select_from(each.join(following, true())))
    # PostgreSQL takes no more steps than are asked for.
    return select(all_of_them).limit(limit).subquery()
