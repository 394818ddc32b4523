"""Stored laps as the API has them."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.web_laps import LapRow
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps, laps_with_sessions, stored_lap
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.web.exceptions import LapNotFoundError


async def find_lap(session: AsyncSession, lap_id: UUID) -> StoredLap:
    """A stored lap.

    Raises:
        LapNotFoundError: there is none of this id.
    """
    found = await StoredLaps(session).find(lap_id)
    if found is None:
        raise LapNotFoundError(lap_id)
    return found


async def find_laps(session: AsyncSession, lap_ids: Collection[UUID]) -> Mapping[UUID, StoredLap]:
    """Those of some laps that are stored."""
    rows = await session.execute(laps_with_sessions().where(LapRecord.id.in_(lap_ids)))
    return {row[0].id: stored_lap(row[0], row[1]) for row in rows}


def lap_row(lap: StoredLap) -> LapRow:
    """What the API says of a lap."""
    session = lap.session
    return LapRow(
        lap_id=lap.lap_id,
        session_id=session.session_id,
        lap_number=lap.lap_number,
        lap_time=lap.lap_time,
        is_valid=lap.is_valid,
        frames=lap.frame_count,
        rig_id=lap.rig_id,
        driver=lap.driver,
        driver_name=session.driver_name or lap.driver,
        track_id=session.track_id,
        track_name=session.track_name,
        track_config_name=session.track_config_name,
        car_id=session.car_id,
        car_name=session.car_name,
        session_type=session.session_type,
        received_at=lap.received_at,
        driven_at=lap.driven_at,
        stored_at=lap.stored_at,
    )
