"""What the service of rejected messages takes and returns."""

from dataclasses import dataclass
from datetime import datetime

from racing_coach_core.exceptions import ErrorDetail


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


@dataclass(frozen=True, slots=True)
class RejectionSummary:
    """A kept message without its payload, of which there may be 16 MiB."""

    id: int
    topic: str
    payload_bytes: int
    times_received: int
    last_received_at: datetime
    reason: str
