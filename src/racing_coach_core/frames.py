"""The wire's frames as pydantic models: what existing Racing Coach clients send as JSON.

These models are the reference for which JSON is accepted. The hot path decodes to columns without them
(`racing_coach_core.codecs`), and a property test holds both to the same set.
"""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from racing_coach_core.wire_types import (
    Double,
    Identifier,
    LapTime,
    OptionalBool,
    OptionalDouble,
    OptionalReal,
    Real,
    Text,
    Timestamp,
    bounded,
)


class WireModel(BaseModel):
    """Base of everything on the wire: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SessionFrame(WireModel):
    """One driving session.

    `track_id`, `car_id`, `car_class_id`, `series_id` and `driver_id` may be numbers on the wire; they are text here.
    """

    session_id: UUID
    track_id: Identifier
    track_name: Text
    car_id: Identifier
    car_name: Text
    timestamp: Timestamp | None = None
    track_config_name: Text | None = None
    track_type: Text = "road course"
    car_class_id: Identifier | None = None
    series_id: Identifier | None = None
    session_type: Text | None = None
    driver_id: Identifier | None = None
    driver_name: Text | None = None


class Tread(WireModel):
    """One tyre measured at three places across its tread."""

    left: OptionalReal = None
    middle: OptionalReal = None
    right: OptionalReal = None


class WheelTreads(WireModel):
    """The four tyres."""

    LF: Tread | None = None
    RF: Tread | None = None
    LR: Tread | None = None
    RR: Tread | None = None


class WheelPressures(WireModel):
    """Brake line pressure of the four wheels, bar."""

    LF: OptionalReal = None
    RF: OptionalReal = None
    LR: OptionalReal = None
    RR: OptionalReal = None


class TelemetryFrame(WireModel):
    """One sample of the car, 60 of them a second. Units are in `racing_coach_core.channels`."""

    timestamp: Timestamp
    session_time: Double
    lap_number: int = bounded("lap_number")
    lap_distance_pct: Real
    speed: Real
    throttle: Real
    brake: Real
    lap_distance: OptionalReal = None
    current_lap_time: OptionalReal = None
    last_lap_time: OptionalReal = None
    best_lap_time: OptionalReal = None
    rpm: OptionalReal = None
    gear: Annotated[int, bounded("gear")] | None = None
    clutch: OptionalReal = None
    steering_angle: OptionalReal = None
    lateral_acceleration: OptionalReal = None
    longitudinal_acceleration: OptionalReal = None
    vertical_acceleration: OptionalReal = None
    yaw_rate: OptionalReal = None
    roll_rate: OptionalReal = None
    pitch_rate: OptionalReal = None
    velocity_x: OptionalReal = None
    velocity_y: OptionalReal = None
    velocity_z: OptionalReal = None
    yaw: OptionalReal = None
    pitch: OptionalReal = None
    roll: OptionalReal = None
    latitude: OptionalDouble = None
    longitude: OptionalDouble = None
    altitude: OptionalReal = None
    tire_temps: WheelTreads | None = None
    tire_wear: WheelTreads | None = None
    brake_line_pressure: WheelPressures | None = None
    track_temp: OptionalReal = None
    air_temp: OptionalReal = None
    track_wetness: Annotated[int, bounded("track_wetness")] | None = None
    session_flags: Annotated[int, bounded("session_flags")] | None = None
    track_surface: Annotated[int, bounded("track_surface")] | None = None
    on_pit_road: OptionalBool = None


class TelemetrySequence(WireModel):
    """Frames in driving order."""

    frames: list[TelemetryFrame] = Field(min_length=1)


class LapTelemetry(TelemetrySequence):
    """The frames of one lap, and its time."""

    lap_time: LapTime = None
