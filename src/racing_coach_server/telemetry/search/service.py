"""Laps by what they are: filtered, sorted, page by page. Every page is a look into an index. Nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import laps_with_sessions, stored_lap
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.board import best_of_drivers
from racing_coach_server.telemetry.search.conditions import conditions
from racing_coach_server.telemetry.search.ids import id_range, shortest
from racing_coach_server.telemetry.search.orders import BOARD, IDENTIFIED, WHOSE, Order, order_of
from racing_coach_server.telemetry.search.schemas import ANY_LAP, LapFilter, LapPage, LapSort


class LapSearch:
    """Finds stored laps."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self,
        which: LapFilter = ANY_LAP,
        *,
        sort: LapSort = LapSort.RECEIVED,
        reverse: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LapPage:
        """Laps in their order, from the first one or from where the page before ended.

        Args:
            which: the laps that are meant.
            sort: their order.
            reverse: the other way round: the oldest, or the slowest, first.
            cursor: of the page before; all else must be as it was for that.
            limit: of the page.

        Raises:
            InvalidCursorError: the cursor is none, or is of another order.
        """
        order = order_of(sort, reverse=reverse)
        wanted = conditions(which, sort)
        if sort is LapSort.TIME:
            wanted.append(LapRecord.lap_time.is_not(None))
        if cursor is not None:
            wanted.append(order.after(cursor))
        return await self._page(select(LapRecord.id).where(*wanted).order_by(*order.by()), order, limit)

    async def best(self, which: LapFilter = ANY_LAP, *, cursor: str | None = None, limit: int = 50) -> LapPage:
        """The fastest valid lap of each driver in each car on each track, of the laps that are meant.

        They come by track, configuration, car and driver; where track and car are given, the fastest first.

        Raises:
            InvalidCursorError: the cursor is none, or is of another list.
        """
        if which.track_id is not None and which.car_id is not None:
            if which == LapFilter(
                track_id=which.track_id, track_config_name=which.track_config_name, car_id=which.car_id
            ):
                firsts: FromClause = best_of_drivers(which.track_id, which.track_config_name, which.car_id)
            else:
                firsts = _firsts(which).subquery()
            columns = (firsts.c.lap_time, firsts.c.id)
            board = select(firsts.c.id).order_by(*BOARD.by(columns))
            if cursor is not None:
                board = board.where(BOARD.after(cursor, columns))
            return await self._page(board, BOARD, limit)
        return await self._page(_firsts(which, cursor), WHOSE, limit)

    async def identified(self, text: str, *, limit: int = 2) -> Sequence[StoredLap]:
        """The laps that an id, or the first part of one, may mean; at most so many.

        Raises:
            InvalidLapIdError: it is neither.
        """
        named = select(LapRecord.id).where(LapRecord.id.between(*id_range(text))).order_by(LapRecord.id)
        return (await self._page(named, IDENTIFIED, limit)).laps

    async def short_ids(self, lap_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The first part of each id, of 8 digits or as many as it takes to mean no other stored lap."""
        mine = func.unnest(literal(lap_ids, ARRAY(Uuid)), type_=Uuid).column_valued("mine")
        beside = [
            select(LapRecord.id).where(condition).order_by(order).limit(1).scalar_subquery()
            for condition, order in ((LapRecord.id < mine, LapRecord.id.desc()), (LapRecord.id > mine, LapRecord.id))
        ]
        rows = await self._session.execute(select(mine, *beside))
        return {lap_id: shortest(lap_id, others) for lap_id, *others in rows}

    async def _page(self, ids: Select[UUID, *tuple[Any, ...]], order: Order, limit: int) -> LapPage:
        """The laps of the first ids. Rows and sessions are read of these only."""
        found = ids.limit(limit + 1).subquery("found")
        rows = laps_with_sessions().join(found, LapRecord.id == found.c.id).order_by(*order.by())
        laps = [stored_lap(row[0], row[1]) for row in await self._session.execute(rows)]
        return LapPage(laps[:limit], order.cursor(laps[limit - 1]) if len(laps) > limit else None)


def _firsts(which: LapFilter, cursor: str | None = None) -> Select[UUID, float | None]:
    """The fastest valid lap of each driver in each car on each track, from a place in the order of `WHOSE` on."""
    wanted = [*conditions(replace(which, is_valid=True), LapSort.RECEIVED), LapRecord.lap_time.is_not(None)]
    if cursor is not None:
        wanted.append(WHOSE.after(cursor))
    lap = LapRecord
    if which.driver is not None or which.rig_id is not None or which.session_id is not None:
        # First the few that are meant. PostgreSQL would go through the best laps of all, and hope for a page soon.
        few = select(LapRecord).where(*wanted).cte("few").prefix_with("materialized")
        lap, wanted = aliased(LapRecord, few), []
    whose, fastest = ([getattr(lap, column.key) for column in order.columns] for order in (WHOSE, BOARD))
    return select(lap.id, lap.lap_time).ext(distinct_on(*whose)).where(*wanted).order_by(*whose, *fastest)
