"""What others follow."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from racing_coach_server.messaging.messages import Event


@dataclass(frozen=True, slots=True)
class LapAnalysed(Event):
    """An analysis of a stored lap is committed, whatever it found."""

    lap_id: UUID
    stored_at: datetime

    @property
    def key(self) -> str:
        """One analysis a lap."""
        return str(self.lap_id)
