"""What the toy feature tells."""

from dataclasses import dataclass
from uuid import UUID

from racing_coach_server.messaging.messages import Event


@dataclass(frozen=True, slots=True)
class LapSeen(Event):
    """A lap was noted."""

    lap_id: UUID
    rig: str = ""

    @property
    def key(self) -> str:
        return str(self.lap_id)

    @property
    def sender(self) -> str:
        return self.rig
