"""Laps in an outbox, and the answers to them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.laps import make_lap

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.messages import LapUploadResponse
from racing_coach_rig.outbox.entry import Entry
from racing_coach_rig.outbox.outbox import Outbox

ROOT = Path(__file__).parents[3]


DAY_S = 86_400.0


MIB = 2**20


def spool(outbox: Outbox, number: int = 1, **fields: Any) -> Entry:
    return outbox.spool(make_lap(number=number, **fields), Encoding.ARROW)


def answer(entry: Entry, status: str = "success", **fields: Any) -> LapUploadResponse:
    return LapUploadResponse.model_validate(
        {
            "status": status,
            "message": f"is {status}",
            "payload_sha256": entry.payload_sha256,
            "lap_id": entry.lap_id,
            "received_at": datetime.now(UTC),
            **fields,
        }
    )


def due(outbox: Outbox, *, limit: int = 100, long_backlog: int = 1000, **more: Any) -> list[int]:
    """The numbers of the laps to send next."""
    return [e.lap_number for e in outbox.due(limit=limit, long_backlog=long_backlog, **more)]
