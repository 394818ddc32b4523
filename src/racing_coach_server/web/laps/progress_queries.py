"""A driver's laps in one car on one track, and of whom there are any: one look into an index each."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, cast, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.telemetry.models import LapRecord, TrackSession

_COUNTED: Final = 1_000
"""More laps than these need no exact number."""
_WHOSE: Final = (
    LapAnalysisRecord.driver,
    LapAnalysisRecord.track_id,
    LapAnalysisRecord.track_config_name,
    LapAnalysisRecord.car_id,
)


async def driven(
    session: AsyncSession, *, driver: str, track: str, config: str, car: str, limit: int
) -> Sequence[Row[Any]]:
    """The laps driven last, the last one first, with what was measured of them where that was done."""
    statement = (
        select(
            LapRecord.id.label("lap_id"),
            LapRecord.track_session_id.label("session_id"),
            LapRecord.lap_number,
            LapRecord.driven_at,
            LapRecord.lap_time,
            func.coalesce(LapAnalysisRecord.is_reference, LapRecord.is_valid & LapRecord.lap_time.is_not(None)).label(
                "is_reference"
            ),
            func.coalesce(LapAnalysisRecord.is_wet, False).label("is_wet"),
            LapAnalysisRecord.track_map_id,
            _each("$.corners[*].number").label("numbers"),
            _each("$.corners[*].time_s").label("times_s"),
            _each("$.corners[*].cornering.min_speed").label("min_speeds"),
            LapAnalysisRecord.analysis["segment_times_s"].label("segment_times_s"),
        )
        .outerjoin(LapAnalysisRecord, LapAnalysisRecord.lap_id == LapRecord.id)
        .where(
            LapRecord.driver == driver,
            LapRecord.track_id == track,
            LapRecord.track_config_name == config,
            LapRecord.car_id == car,
        )
        .order_by(LapRecord.driven_at.desc(), LapRecord.id.desc())
        .limit(limit)
    )
    return [*await session.execute(statement)]


async def session_of(session: AsyncSession, row: Row[Any]) -> TrackSession:
    """The driving session of a lap."""
    return await session.get_one(TrackSession, row.session_id)


async def combinations(session: AsyncSession, *, limit: int) -> Sequence[Row[Any]]:
    """Each driver in each car on each track, with the lap driven last; at most so many."""
    each = _distinct(limit)
    same = [column == each.c[column.key] for column in _WHOSE]
    last = (
        select(LapAnalysisRecord.lap_id, LapAnalysisRecord.driven_at)
        .where(*same)
        .order_by(LapAnalysisRecord.driven_at.desc())
        .limit(1)
        .lateral("last")
    )
    some = select(LapAnalysisRecord.lap_id).where(*same).limit(_COUNTED).correlate(each).subquery("some")
    laps = select(func.count()).select_from(some).scalar_subquery()
    statement = (
        select(
            *each.c,
            last.c.driven_at,
            laps.label("laps"),
            TrackSession.track_name,
            TrackSession.car_name,
            TrackSession.driver_name,
        )
        .select_from(each)
        .join(last, true())
        .join(LapRecord, LapRecord.id == last.c.lap_id)
        .join(TrackSession, TrackSession.id == LapRecord.track_session_id)
        .order_by(last.c.driven_at.desc())
    )
    return [*await session.execute(statement)]


def _each(path: str) -> Any:
    return func.jsonb_path_query_array(LapAnalysisRecord.analysis, cast(path, JSONPATH), type_=JSONB)


def _distinct(limit: int) -> Any:
    """The combinations there are: from each one a step to the next in the index."""
    first = select(*_WHOSE).order_by(*_WHOSE).limit(1)
    each = select(first.subquery()).cte("each", recursive=True)
    lap = aliased(LapAnalysisRecord)
    steps = [getattr(lap, column.key) for column in _WHOSE]
    here = tuple_(*(each.c[column.key] for column in _WHOSE))
    step: Select[*tuple[Any, ...]] = select(*steps).where(tuple_(*steps) > here).order_by(*steps).limit(1)
    following = step.lateral()
    every = each.union_all(select(following).select_from(each.join(following, true())))
    return select(every).limit(limit).subquery("whose")
