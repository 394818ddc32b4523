"""A driver's progress: lap times and how alike they are, over stints and days, corner by corner."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.consistency import spread_of
from racing_coach_core.web_laps import (
    Progress,
    ProgressChoice,
    ProgressChoices,
    ProgressCorner,
    ProgressLap,
    ProgressStretch,
    SpreadDocument,
)
from racing_coach_server.analytics.track_maps.models import TrackMapRecord
from racing_coach_server.analytics.track_maps.schemas import as_track_map
from racing_coach_server.telemetry.models import TrackSession
from racing_coach_server.web.exceptions import NothingDrivenError
from racing_coach_server.web.laps.progress_queries import combinations, driven, session_of


async def progress_of(session: AsyncSession, *, driver: str, track: str, config: str, car: str, limit: int) -> Progress:
    """The newest laps of a driver in one car on one track.

    Raises:
        NothingDrivenError: there is none.
    """
    found = await driven(session, driver=driver, track=track, config=config, car=car, limit=limit + 1)
    if not found:
        raise NothingDrivenError(driver)
    rows = list(reversed(found[:limit]))
    named = await session_of(session, rows[-1])
    newest_map = next((row.track_map_id for row in reversed(rows) if row.track_map_id is not None), None)
    record = None if newest_map is None else await session.get(TrackMapRecord, newest_map)
    names = {} if record is None else {corner.number: corner.name for corner in as_track_map(record).corners}
    return _document(rows, named, driver, newest_map, names, has_more=len(found) > limit)


async def progress_choices(session: AsyncSession, *, limit: int) -> ProgressChoices:
    """Of whom there is progress to show, the one driven last first."""
    return ProgressChoices(
        choices=[
            ProgressChoice(
                driver=row.driver,
                driver_name=row.driver_name or row.driver,
                track_id=row.track_id,
                track_name=row.track_name,
                track_config_name=row.track_config_name or None,
                car_id=row.car_id,
                car_name=row.car_name,
                laps=row.laps,
                last_driven_at=row.driven_at,
            )
            for row in await combinations(session, limit=limit)
        ]
    )


def _document(
    rows: Sequence[Row[Any]],
    named: TrackSession,
    driver: str,
    track_map_id: int | None,
    names: dict[int, str | None],
    *,
    has_more: bool,
) -> Progress:
    measured = [row for row in rows if row.track_map_id is not None and row.track_map_id == track_map_id]
    segments = [row.segment_times_s for row in measured if row.is_reference and row.segment_times_s]
    return Progress(
        driver=driver,
        driver_name=named.driver_name or driver,
        track_id=named.track_id,
        track_name=named.track_name,
        track_config_name=named.track_config_name,
        car_id=named.car_id,
        car_name=named.car_name,
        laps=[_lap(row) for row in rows],
        sessions=_stretches(rows, lambda row: row.session_id),
        days=_stretches(rows, lambda row: row.driven_at.date()),
        corners=[_corner(number, name, rows, track_map_id) for number, name in names.items()],
        theoretical_best_s=float(np.array(segments).min(axis=0).sum()) if segments else None,
        has_more=has_more,
    )


def _lap(row: Row[Any]) -> ProgressLap:
    return ProgressLap(
        lap_id=row.lap_id,
        session_id=row.session_id,
        lap_number=row.lap_number,
        driven_at=row.driven_at,
        lap_time=row.lap_time,
        is_reference=row.is_reference,
        is_wet=row.is_wet,
    )


def _stretches(rows: Sequence[Row[Any]], of: Callable[[Row[Any]], UUID | date]) -> list[ProgressStretch]:
    """What belongs together, in driving order."""
    found = []
    for key, group in groupby(rows, of):
        laps = list(group)
        found.append(
            ProgressStretch(
                session_id=key if isinstance(key, UUID) else None,
                from_at=laps[0].driven_at,
                to_at=laps[-1].driven_at,
                lap_time=_spread(row.lap_time for row in laps if row.is_reference),
            )
        )
    return found


def _corner(number: int, name: str | None, rows: Sequence[Row[Any]], track_map_id: int | None) -> ProgressCorner:
    times: list[float | None] = []
    speeds: list[float | None] = []
    for row in rows:
        numbers = row.numbers if row.track_map_id == track_map_id and row.numbers else []
        at = numbers.index(number) if number in numbers else None
        times.append(_value(row.times_s, at))
        # A null in the JSON is a value of the path, so both lists are as long as the numbers.
        speeds.append(_value(row.min_speeds, at))
    good = (time for time, row in zip(times, rows, strict=True) if row.is_reference)
    return ProgressCorner(number=number, name=name, times_s=times, min_speeds=speeds, spread=_spread(good))


def _value(values: Sequence[float | None] | None, at: int | None) -> float | None:
    return None if values is None or at is None else values[at]


def _spread(times: Iterable[float | None]) -> SpreadDocument | None:
    known = [time for time in times if time is not None]
    return SpreadDocument.model_validate(spread_of(np.array(known))) if known else None
