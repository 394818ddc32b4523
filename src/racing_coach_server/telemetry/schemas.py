"""What the telemetry service takes and returns."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.lap import Lap


@dataclass(frozen=True, slots=True)
class ReceivedLap:
    """A decoded lap and how it came."""

    lap: Lap
    rig_id: str
    encoding: str
    payload_sha256: str
    content_sha256: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class LapOutcome:
    """What became of a lap: newly stored, or found stored already."""

    lap_id: UUID
    is_new: bool
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message to be kept for inspection and replay."""

    topic: str
    payload: bytes
    payload_sha256: str
    content_type: str | None
    received_at: datetime
    reason: str
    errors: tuple[ErrorDetail, ...] = ()
    traceback: str | None = None
