"""The messages of the wire contract, version 1."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from racing_coach_core.exceptions import ErrorDetail, InvalidLapError
from racing_coach_core.frames import LapTelemetry, SessionFrame, WireModel


class LapUploadRequest(WireModel):
    """A finished lap as JSON, on `.../rigs/{rig}/cars/{car}/laps`."""

    session: SessionFrame
    lap: LapTelemetry
    lap_id: UUID | None = None

    @model_validator(mode="after")
    def _is_a_lap(self) -> Self:
        # Of all messages this one alone needs Arrow, which takes longer to import than all of them.
        from racing_coach_core.frame_columns import columns_of  # noqa: PLC0415
        from racing_coach_core.validation import check_frames  # noqa: PLC0415

        if errors := check_frames(columns_of(self.lap.frames)):
            raise ValueError(str(InvalidLapError(errors)))
        return self


class LapStatus(StrEnum):
    """What became of a lap."""

    SUCCESS = "success"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class WireError(WireModel):
    """One thing that is wrong with a message."""

    loc: tuple[str | int, ...]
    msg: str

    @classmethod
    def of(cls, detail: ErrorDetail) -> Self:
        return cls(loc=detail.loc, msg=detail.msg)


class LapUploadResponse(WireModel):
    """The answer to a lap, on `.../acks/{rig}/cars/{car}/laps`.

    With `success` and `duplicate` the lap is committed, whole, once, and the rig may forget it.
    """

    status: LapStatus
    message: str
    payload_sha256: str
    received_at: datetime
    lap_id: UUID | None = None
    session_id: UUID | None = None
    lap_number: int | None = None
    frames: int = 0
    errors: list[WireError] = Field(default_factory=list)
    stored_at: datetime | None = None


class RigStatus(WireModel):
    """Whether a rig is there; retained, and the will."""

    online: bool
    timestamp: datetime


class DaemonState(WireModel):
    """Whether a daemon is there; retained, and the will."""

    online: bool
    instance: str
    version: str
    timestamp: datetime
    client_id: str | None = None
    """Made of the MQTT client id, which it does not give away; equal for daemons that have the same."""
    heartbeat_interval_s: float | None = None


class MqttHealth(WireModel):
    """The daemon's connection to the broker."""

    connected_since: datetime | None
    reconnects: int
    message: str | None = None


class DatabaseHealth(WireModel):
    """The daemon's way to the database."""

    status: Literal["healthy", "unhealthy"]
    latency_ms: float | None
    message: str | None = None


class LapAccounts(WireModel):
    """What became of every lap since the daemon started.

    At every moment `received == stored + duplicate + rejected + in_flight`.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    in_flight: int = 0
    oldest_in_flight_s: float | None = None
    last_stored_at: datetime | None = None


class FeatureAccounts(WireModel):
    """How far a feature is with what it does after a lap is stored.

    `done` and `failed` are counted since the daemon started; `behind` is how much is known to wait.
    """

    done: int = 0
    failed: int = 0
    behind: int = 0


class Heartbeat(WireModel):
    """How a daemon is, on `.../health/{instance}/heartbeat`."""

    instance: str
    version: str
    timestamp: datetime
    uptime_s: float
    status: Literal["healthy", "degraded"]
    mqtt: MqttHealth
    database: DatabaseHealth
    laps: LapAccounts
    frames_stored: int
    rss_bytes: int
    features: dict[str, FeatureAccounts] = Field(default_factory=dict)
