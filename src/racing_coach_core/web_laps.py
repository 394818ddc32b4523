"""What the web API says of laps and sessions: `/api/v1/laps`, `/sessions`, `/facets`, `/progress`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from racing_coach_core.frames import WireModel


class WebDocument(WireModel):
    """Base of what the web API answers; made from what services return by its attributes."""

    model_config = ConfigDict(extra="ignore", frozen=True, from_attributes=True)


Driver = Annotated[str, Field(description="the driver's id, else the rig: what the other routes take as `driver`")]
DriverName = Annotated[str, Field(description="who drove, for people: name, else id, else the rig")]


class SessionRow(WebDocument):
    """One driving session."""

    session_id: UUID
    rig_id: str
    driver: Driver
    driver_name: DriverName
    track_id: str
    track_name: str
    track_config_name: str | None
    car_id: str
    car_name: str
    session_type: str | None
    laps: int
    best_lap_time: float | None = Field(description="of its valid laps, s")
    created_at: datetime


class LapRow(WebDocument):
    """One stored lap, without its frames."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    lap_time: float | None = Field(description="s")
    is_valid: bool = Field(description="whether it is a whole lap")
    frames: int
    rig_id: str
    driver: Driver
    driver_name: DriverName
    track_id: str
    track_name: str
    track_config_name: str | None
    car_id: str
    car_name: str
    session_type: str | None
    received_at: datetime = Field(description="when its last byte had arrived")
    driven_at: datetime = Field(description="wall clock of its last frame; when it was received, without one")
    stored_at: datetime


class LapPage(WebDocument):
    """Laps that were asked for, and where to go on."""

    laps: list[LapRow]
    next: str | None = Field(description="give it back as `after` for the next page; null on the last one")


class TrackFacet(WebDocument):
    """A track and configuration that is among the laps."""

    track_id: str
    track_name: str
    track_config_name: str | None


class CarFacet(WebDocument):
    """A car that is among the laps."""

    car_id: str
    car_name: str


class DriverFacet(WebDocument):
    """A driver that is among the laps."""

    driver: str
    driver_name: str


class Facets(WebDocument):
    """What laps can be filtered by: each by name."""

    tracks: list[TrackFacet]
    cars: list[CarFacet]
    drivers: list[DriverFacet]
    rigs: list[str]


class ReferenceChoice(WebDocument):
    """A lap that another can be held against."""

    against: str = Field(description="what `against=` takes: coach, own_best, car_best, theoretical, or a lap_id")
    lap: LapRow | None = Field(description="null for the theoretical best")
    lap_time: float | None


class References(WebDocument):
    """What one lap can be held against; what is not there is not listed."""

    lap_id: UUID
    choices: list[ReferenceChoice]


class ProgressLap(WebDocument):
    """One lap of a driver's progress."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    driven_at: datetime
    lap_time: float | None = Field(description="s")
    is_reference: bool = Field(description="a whole, valid lap on the track: only these count for best and spread")
    is_wet: bool


class SpreadDocument(WebDocument):
    """How a time varies over laps."""

    laps: int
    best_s: float
    median_s: float
    spread_s: float | None = Field(description="half of what lies between the quartiles; null for fewer than three")


class ProgressStretch(WebDocument):
    """A driving session, or a day: how fast, and how alike the laps were."""

    session_id: UUID | None = Field(description="null for a day")
    from_at: datetime
    to_at: datetime
    lap_time: SpreadDocument | None = Field(description="of its reference laps; null where there is none")


class ProgressCorner(WebDocument):
    """One corner over all laps."""

    number: int
    name: str | None
    times_s: list[float | None] = Field(description="one a lap, in the order of `laps`; null where it was not measured")
    min_speeds: list[float | None] = Field(description="m/s, likewise")
    spread: SpreadDocument | None = Field(description="of the times on reference laps")


class Progress(WebDocument):
    """A driver's laps in one car on one track, in the order in which they were driven."""

    driver: str
    driver_name: str
    track_id: str
    track_name: str
    track_config_name: str | None
    car_id: str
    car_name: str
    laps: list[ProgressLap] = Field(description="the newest ones, at most `limit`, oldest first")
    sessions: list[ProgressStretch]
    days: list[ProgressStretch] = Field(description="by UTC day")
    corners: list[ProgressCorner] = Field(description="empty while the track has no map")
    theoretical_best_s: float | None = Field(description="the best of every segment; nobody has driven it in one lap")
    has_more: bool = Field(description="whether older laps were left out")


class ProgressChoice(WebDocument):
    """A driver, car and track of which there is progress to show."""

    driver: str
    driver_name: str
    track_id: str
    track_name: str
    track_config_name: str | None
    car_id: str
    car_name: str
    laps: int
    last_driven_at: datetime


class ProgressChoices(WebDocument):
    """Whose progress can be shown, the one driven last first."""

    choices: list[ProgressChoice]


class SessionPage(WebDocument):
    """Sessions, newest first."""

    sessions: list[SessionRow]
    next: str | None


ProblemCode = Literal[
    "not_found",
    "invalid",
    "not_comparable",
    "signed_out",
    "wrong_password",
    "too_many_tries",
    "database_away",
    "not_allowed",
    "failed",
]
"""What programs may go by."""


class Problem(WebDocument):
    """Why there is no answer; what every error of the API looks like."""

    code: ProblemCode
    message: str = Field(description="one sentence for people")
