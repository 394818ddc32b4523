"""What the telemetry feature tells others once it is committed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from racing_coach_server.messaging.messages import Event


@dataclass(frozen=True, slots=True)
class LapStored(Event):
    """A lap is stored, with its session and all its frames.

    Attributes:
        lap_id: the lap's id.
        session_id: the driving session it belongs to.
        rig_id: the rig that sent it.
        car_id: the car, as topic and session name it.
        lap_number: its number in the session.
        stored_at: when its transaction began, by the database's clock.
        received_at: when its last byte had arrived, by the daemon's clock.
    """

    lap_id: UUID
    session_id: UUID
    rig_id: str
    car_id: str
    lap_number: int
    stored_at: datetime
    received_at: datetime

    @property
    def key(self) -> str:
        """The lap's id."""
        return str(self.lap_id)

    @property
    def sender(self) -> str:
        """The rig."""
        return self.rig_id
