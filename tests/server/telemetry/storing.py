"""Laps and frames into the database, as the daemon puts them there."""

import uuid
from datetime import UTC, datetime

import pyarrow as pa
from tests.server.support import new_lap

from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService


def received(lap: Lap, *, rig_id: str = "rig-1") -> ReceivedLap:
    """A lap as it comes from its handler."""
    return ReceivedLap(lap, rig_id, encoding="arrow", payload_sha256="00", received_at=datetime.now(UTC))


async def store_frames(database: Database, frames: pa.RecordBatch) -> uuid.UUID:
    """Store frames as a lap of a driving session of its own. Returns the lap's id."""
    lap = Lap(uuid.uuid4(), new_lap().session, None, frames)
    async with database.transaction() as session:
        await TelemetryService(session).store_lap(received(lap))
    return lap.lap_id
