"""What is stored, as `--json` and `--csv` print it and an API answers it. SI units; null is what is not known."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from racing_coach_core.analysis_documents import Document
from racing_coach_core.messages import WireError


class LapDocument(Document):
    """A stored lap without its frames: `racing-coach laps list --json`, a line of `--csv`."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    lap_time: float | None = Field(description="s")
    is_valid: bool = Field(description="whole, and on track in every frame")
    driver: str = Field(description="the driver's id, or the rig of a driver without one")
    driver_name: str | None
    rig_id: str
    track_id: str
    track_name: str
    track_config_name: str | None
    car_id: str
    car_name: str
    session_type: str | None
    frame_count: int
    driven_at: datetime = Field(description="last frame; when it was received, where frames have no real clock")
    received_at: datetime
    stored_at: datetime


class LapListDocument(Document):
    """A page of laps: `racing-coach laps list --json`."""

    laps: list[LapDocument]
    cursor: str | None = Field(description="of the next page, for `--cursor`; null on the last page")


class ChannelDocument(Document):
    """A channel of a lap."""

    name: str
    unit: str
    lowest: float | str | bool = Field(description="timestamps in ISO 8601")
    highest: float | str | bool
    frames: int = Field(description="that have a value")


class LapDetailsDocument(LapDocument):
    """A stored lap, and the range of each of its channels: `racing-coach laps show --json`."""

    payload_sha256: str = Field(description="of the bytes in which it came, in hex")
    channels: list[ChannelDocument] = Field(description="those that have a value")


class LapChangeDocument(Document):
    """A lap that was deleted or a driving session that was relabelled: `racing-coach laps changes --json`."""

    changed_at: datetime
    kind: Literal["deleted", "relabelled"]
    lap_id: UUID | None = Field(description="that was deleted; null for a session that was relabelled")
    session_id: UUID
    laps: int = Field(description="how many laps it was about")
    before: dict[str, str | float | None] = Field(description="what was known of the lap, or the session's labels")
    after: dict[str, str | None] | None = Field(description="the session's labels since; null for a deleted lap")


class RejectedMessageDocument(Document):
    """A rejected message without its payload: `racing-coach rejected list --json`, a line of `--csv`."""

    id: int
    topic: str
    payload_bytes: int
    times_received: int
    last_received_at: datetime
    reason: str


class RejectedMessageDetailsDocument(RejectedMessageDocument):
    """A rejected message: `racing-coach rejected show --json`."""

    received_at: datetime
    content_type: str | None
    payload_sha256: str
    errors: list[WireError] = Field(description="as in the answer to the sender")
    traceback: str | None


class FindingDocument(Document):
    """One thing that the doctor looked at: `racing-coach doctor --json`, a line of `--csv`."""

    subject: str
    verdict: Literal["good", "advice", "bad"]
    found: str
    remedy: str


class DoctorDocument(Document):
    """Everything that the doctor looked at: `racing-coach doctor --json`."""

    instance: str
    is_healthy: bool = Field(description="whether nothing breaks a promise")
    findings: list[FindingDocument]
