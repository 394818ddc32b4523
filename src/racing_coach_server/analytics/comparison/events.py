"""What others follow."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from racing_coach_server.messaging.messages import Event


@dataclass(frozen=True, slots=True)
class LapCompared(Event):
    """A stored lap was held against its reference, or has none."""

    lap_id: UUID
    stored_at: datetime

    @property
    def key(self) -> str:
        """One comparison a lap."""
        return str(self.lap_id)
