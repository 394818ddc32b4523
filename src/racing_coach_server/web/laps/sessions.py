"""Driving sessions as a list, page by page."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.web_laps import SessionPage, SessionRow
from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.search.cursors import from_cursor, to_cursor

_ORDER: Final = "sessions"
_PLACE: Final = (TrackSession.created_at, TrackSession.id)


async def session_page(
    session: AsyncSession, *, rig: str | None, driver: str | None, after: str | None, limit: int
) -> SessionPage:
    """Sessions, the one stored last first.

    Raises:
        InvalidCursorError: `after` is none of this list.
    """
    chosen = select(TrackSession).order_by(*(column.desc() for column in _PLACE)).limit(limit + 1)
    if rig is not None:
        chosen = chosen.where(TrackSession.rig_id == rig)
    if driver is not None:
        chosen = chosen.where(func.coalesce(TrackSession.driver_id, TrackSession.rig_id) == driver)
    if after is not None:
        chosen = chosen.where(tuple_(*_PLACE) < tuple_(*from_cursor(after, _ORDER, (datetime, UUID))))
    some = chosen.subquery("some")
    of_each = (
        select(
            func.count().label("laps"),
            func.min(LapRecord.lap_time).filter(LapRecord.is_valid).label("best_lap_time"),
        )
        .where(LapRecord.track_session_id == some.c.id)
        .lateral("of_each")
    )
    statement = (
        select(some, of_each.c.laps, of_each.c.best_lap_time)
        .select_from(some)
        .join(of_each, true())
        .order_by(some.c.created_at.desc(), some.c.id.desc())
    )
    rows = (await session.execute(statement)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return SessionPage(
        sessions=[_row(row) for row in rows[:limit]],
        next=None if last is None else to_cursor(_ORDER, (last.created_at, last.id)),
    )


def _row(row: Row[Any]) -> SessionRow:
    driver = row.driver_id or row.rig_id
    return SessionRow(
        session_id=row.id,
        rig_id=row.rig_id,
        driver=driver,
        driver_name=row.driver_name or driver,
        track_id=row.track_id,
        track_name=row.track_name,
        track_config_name=row.track_config_name,
        car_id=row.car_id,
        car_name=row.car_name,
        session_type=row.session_type,
        laps=row.laps,
        best_lap_time=row.best_lap_time,
        created_at=row.created_at,
    )
