"""What the pit wall shows: `/api/v1/pit-wall`, and the events of `/api/v1/events`.

Events carry the whole of what changed, not the change: whoever applies one twice, or only the last one, is right.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from racing_coach_core.coaching import Coaching
from racing_coach_core.messages import Heartbeat
from racing_coach_core.web_laps import WebDocument


class RigLap(WebDocument):
    """One of a rig's last laps."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    lap_time: float | None = Field(description="s")
    is_valid: bool
    received_at: datetime
    answer_ms: float | None = Field(
        description="from its last byte's arrival until this process saw it committed, ms; null if it did not see that"
    )
    is_best: bool = Field(description="the driver's best in this car on this track so far")
    delta_s: float | None = Field(description="against the coach's reference, s; null until it is compared")
    coaching: Coaching | None = Field(description="what the coach said of it; null until then")


class RigDocument(WebDocument):
    """A rig: who drives what where, and the last laps."""

    rig_id: str
    online: bool | None = Field(description="null while it is not known: the broker is away, or the rig never said")
    online_since: datetime | None = Field(description="since when the rig is online, or is not, as it said")
    driver: str | None = Field(description="the driver's id, else the rig; null before its first lap")
    driver_name: str | None
    track_id: str | None
    track_name: str | None
    track_config_name: str | None
    car_id: str | None
    car_name: str | None
    session_id: UUID | None
    session_best_s: float | None = Field(description="the best valid lap of this session")
    best_s: float | None = Field(description="the driver's best in this car on this track, of all time, s")
    best_lap_id: UUID | None
    laps: list[RigLap] = Field(description="the last ones, newest first, at most 8")


class DaemonDocument(WebDocument):
    """A daemon, as it says it is."""

    instance: str
    online: bool
    version: str
    said_at: datetime = Field(description="the timestamp of its last word")
    heartbeat: Heartbeat | None = Field(description="the last one; null until one came")
    heartbeat_age_s: float | None = Field(description="when this document was made")
    heartbeat_interval_s: float
    is_late: bool = Field(description="online, and yet three heartbeats were missed")


class RejectionDocument(WebDocument):
    """A message that was rejected."""

    id: int
    rig_id: str | None
    topic: str
    reason: str
    payload_bytes: int
    times_received: int
    last_received_at: datetime


class SourceDocument(WebDocument):
    """Whether this process reaches the broker, or the database."""

    reachable: bool
    since: datetime = Field(description="since when it is so")
    message: str | None = Field(description="in our own words, what does not work meanwhile")


class Sources(WebDocument):
    """Where the pages have what they show from."""

    broker: SourceDocument
    database: SourceDocument


class PitWall(WebDocument):
    """All that the pit wall shows."""

    version: str = Field(description="of Racing Coach")
    made_at: datetime = Field(description="the server's clock")
    rigs: list[RigDocument] = Field(description="by name; those online or with a lap within the last day")
    daemons: list[DaemonDocument] = Field(description="by name")
    rejected: list[RejectionDocument] = Field(description="newest first, at most 20")
    sources: Sources


class RigEvent(WebDocument):
    """Event `rig`: put it in place of the rig of that name."""

    cause: Literal["lap", "coaching", "status"]
    lap_id: UUID | None = Field(description="the lap that was stored or coached; null for `status`")
    rig: RigDocument


class RejectedEvent(WebDocument):
    """Event `rejected`: the list as it is now."""

    rejected: list[RejectionDocument]
    newest: RejectionDocument


class Ping(WebDocument):
    """Event `ping`, every ten seconds, without an id."""

    at: datetime


class HealthDocument(WebDocument):
    """How the web process and all that it hears of are: `/api/v1/health`."""

    status: Literal["healthy", "degraded"]
    version: str
    uptime_s: float
    sources: Sources
    daemons: list[DaemonDocument]
    viewers: int = Field(description="open event streams")
