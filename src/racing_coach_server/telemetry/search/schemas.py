"""What a search for laps takes and returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from racing_coach_server.telemetry.schemas import StoredLap


class LapSort(StrEnum):
    """The order of a list of laps."""

    RECEIVED = "received"
    """Received last comes first."""
    DRIVEN = "driven"
    """Driven last comes first."""
    TIME = "time"
    """The fastest comes first; laps without a time are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LapFilter:
    """Which laps are meant; None is any.

    Attributes:
        track_id: the track's id.
        track_config_name: the track's configuration, empty for none.
        car_id: the car's id.
        driver: the driver's id, or the rig of a driver without one.
        rig_id: the rig that sent it.
        session_id: the driving session.
        is_valid: whether it is a whole lap on the track.
        since: received at this time or later; driven, if laps are sorted by that.
        until: received before this time; driven, if laps are sorted by that.
    """

    track_id: str | None = None
    track_config_name: str | None = None
    car_id: str | None = None
    driver: str | None = None
    rig_id: str | None = None
    session_id: UUID | None = None
    is_valid: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


ANY_LAP = LapFilter()


@dataclass(frozen=True, slots=True)
class LapPage:
    """Some of the laps that were found.

    Attributes:
        laps: in their order.
        cursor: where the next page begins, for the same search only; None if this is the last one.
    """

    laps: Sequence[StoredLap]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Facet:
    """A track, car, driver or rig of which laps are stored.

    Attributes:
        id: its id; of a driver without one, the rig's.
        name: as the lap received last names it.
        last_received_at: when that lap was received.
        config: of a track, its configuration, empty for none.
    """

    id: str
    name: str
    last_received_at: datetime
    config: str = ""
