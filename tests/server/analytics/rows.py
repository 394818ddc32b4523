"""Analysed laps as rows, made by the services: what was measured in them plays no part."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.laps import make_lap, session_json

from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import identity_of
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Drive:
    """One lap: who drove it, with what, where, how fast and when."""

    lap_time: float = 60.0
    driver: str | None = "ines"
    rig: str = "rig-1"
    track: str = "calder"
    config: str | None = None
    car: str = "sim-gt3"
    is_wet: bool = False
    is_reference: bool = True
    minute: int = 0


async def analysed(database: Database, drive: Drive) -> LapAnalysisRecord:
    """Store a lap and its analysis, each in a transaction of its own."""
    where = {"track_id": drive.track, "track_config_name": drive.config, "car_id": drive.car, "driver_id": drive.driver}
    plain = make_lap(4, session_id=uuid.uuid4(), lap_time=drive.lap_time)
    session = SessionFrame.model_validate(session_json(session_id=plain.session.session_id, **where))
    lap = Lap(uuid.uuid4(), session, drive.lap_time, plain.frames)
    async with database.transaction() as opened:
        await TelemetryService(opened).store_lap(
            ReceivedLap(lap, drive.rig, "arrow", payload_sha256(lap.lap_id.bytes), NOON)
        )
    async with database.transaction() as opened:
        stored = await StoredLaps(opened).find(lap.lap_id)
        assert stored is not None
        values = identity_of(stored) | {"driven_at": NOON + timedelta(minutes=drive.minute)}
        found = {"is_wet": drive.is_wet, "is_reference": drive.is_reference}
        return await LapAnalysisService(opened).keep(values | found)
