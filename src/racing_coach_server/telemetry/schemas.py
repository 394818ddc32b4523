"""What the telemetry service takes and returns."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.identity import content_sha256
from racing_coach_core.lap import Lap


@dataclass(frozen=True)
class ReceivedLap:
    """A decoded lap and how it came."""

    lap: Lap
    rig_id: str
    encoding: str
    payload_sha256: str
    received_at: datetime

    @cached_property
    def content_sha256(self) -> bytes:
        """What makes this lap the same as another. At first use it takes a millisecond: `hash` before, on a thread."""
        return content_sha256(self.lap.lap_time, self.lap.frames)

    async def hash(self) -> None:
        """Have `content_sha256` computed elsewhere than on the event loop."""
        await asyncio.to_thread(getattr, self, "content_sha256")


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
