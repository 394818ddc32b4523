"""Messages that were rejected, of whoever is erased."""

import json
from datetime import UTC, datetime

from racing_coach_core.identity import payload_sha256
from racing_coach_server.database.engine import Database
from racing_coach_server.rejected.schemas import Rejection
from racing_coach_server.rejected.service import RejectedMessages


async def reject(database: Database, payload: bytes, *, rig: str = "rig-9", reason: str = "no lap") -> None:
    """Keep a message as one that was rejected."""
    topic = f"racing-coach/v1/rigs/{rig}/cars/sim-gt3/laps"
    rejection = Rejection(topic, payload, payload_sha256(payload), None, datetime.now(UTC), reason)
    async with database.transaction() as session:
        await RejectedMessages(session).keep(rejection)


def document(driver_id: str | None, name: str | None = None) -> bytes:
    """What a rig of another make may have sent."""
    return json.dumps({"session": {"driver_id": driver_id, "driver_name": name}, "lap": {}}).encode()
