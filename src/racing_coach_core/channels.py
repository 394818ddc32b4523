"""The channels of a telemetry frame: names, types, units and where iRacing has them.

This table is the one source for the canonical Arrow schema, for the JSON path of every channel, for the
database columns and for the documentation of units. Everything else is derived from it.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    LAP_SCHEMA: pa.Schema
    """The canonical columns of a lap: one row a frame, in driving order."""

WHEELS: Final = ("LF", "RF", "LR", "RR")
"""Wheel positions as iRacing abbreviates them: left front, right front, left rear, right rear."""

TREAD_POSITIONS: Final = ("left", "middle", "right")
"""Where across the tread a tyre is measured; iRacing's suffixes L, M and R."""

SAMPLE_RATE_HZ: Final = 60
"""iRacing samples telemetry 60 times a second."""

type Kind = Literal["float", "double", "int16", "int32", "int64", "bool", "timestamp[us, tz=UTC]"]
"""A canonical type, as Arrow writes it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a frame.

    Attributes:
        name: the column's name in the database and in the Arrow encoding.
        kind: the canonical type.
        unit: the physical unit, empty where there is none.
        iracing: the iRacing variable, empty where there is none.
        required: whether every frame must have a value.
        json_path: where the value lies in a JSON TelemetryFrame.
        minimum, maximum: the inclusive range of an integer channel, None for the others.
    """

    name: str
    kind: Kind
    unit: str
    iracing: str
    json_path: tuple[str, ...]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None

    @property
    def type(self) -> "pa.DataType":
        """The canonical type as Arrow's."""
        return _arrow_type(self.kind)


@functools.cache
def _arrow_type(kind: Kind) -> "pa.DataType":
    # A list of laps reads this table and no lap: it does without Arrow, which takes longer to import than all of it.
    import pyarrow as pa  # noqa: PLC0415

    types: dict[Kind, pa.DataType] = {
        "float": pa.float32(),
        "double": pa.float64(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
    }
    return types[kind]


def _channel(name: str, kind: Kind, unit: str, iracing: str, *, required: bool = False) -> Channel:
    return Channel(name, kind, unit, iracing, (name,), required)


def _integer(name: str, kind: Kind, iracing: str, low: int, high: int, *, required: bool = False) -> Channel:
    return Channel(name, kind, "", iracing, (name,), required, low, high)


def _wheel_channels() -> Iterator[Channel]:
    for field, suffix, unit, iracing in (
        ("tire_temps", "tire_temp", "°C", "tempC"),
        ("tire_wear", "tire_wear", "0 to 1 left", "wear"),
    ):
        for wheel in WHEELS:
            for position in TREAD_POSITIONS:
                yield Channel(
                    name=f"{wheel.lower()}_{suffix}_{position}",
                    kind="float",
                    unit=unit,
                    iracing=f"{wheel}{iracing}{position[0].upper()}",
                    json_path=(field, wheel, position),
                )
    for wheel in WHEELS:
        yield Channel(
            name=f"{wheel.lower()}_brake_pressure",
            kind="float",
            unit="bar",
            iracing=f"{wheel}brakeLinePress",
            json_path=("brake_line_pressure", wheel),
        )


_INT16: Final = (-(2**15), 2**15 - 1)

CHANNELS: Final[tuple[Channel, ...]] = (
    _channel("timestamp", "timestamp[us, tz=UTC]", "", "", required=True),
    _channel("session_time", "double", "s since session start", "SessionTime", required=True),
    _integer("lap_number", "int32", "Lap", -1, 2**31 - 1, required=True),
    _channel("lap_distance_pct", "float", "0 to 1 of the lap", "LapDistPct", required=True),
    _channel("lap_distance", "float", "m from start/finish", "LapDist"),
    _channel("current_lap_time", "float", "s", "LapCurrentLapTime"),
    _channel("last_lap_time", "float", "s; <= 0 means none", "LapLastLapTime"),
    _channel("best_lap_time", "float", "s; <= 0 means none", "LapBestLapTime"),
    _channel("speed", "float", "m/s", "Speed", required=True),
    _channel("rpm", "float", "rev/min", "RPM"),
    _integer("gear", "int16", "Gear", *_INT16),
    _channel("throttle", "float", "0 to 1", "Throttle", required=True),
    _channel("brake", "float", "0 to 1", "Brake", required=True),
    _channel("clutch", "float", "0 to 1", "Clutch"),
    _channel("steering_angle", "float", "rad", "SteeringWheelAngle"),
    _channel("lateral_acceleration", "float", "m/s²", "LatAccel"),
    _channel("longitudinal_acceleration", "float", "m/s²", "LongAccel"),
    _channel("vertical_acceleration", "float", "m/s²", "VertAccel"),
    _channel("yaw_rate", "float", "rad/s", "YawRate"),
    _channel("roll_rate", "float", "rad/s", "RollRate"),
    _channel("pitch_rate", "float", "rad/s", "PitchRate"),
    _channel("velocity_x", "float", "m/s", "VelocityX"),
    _channel("velocity_y", "float", "m/s", "VelocityY"),
    _channel("velocity_z", "float", "m/s", "VelocityZ"),
    _channel("yaw", "float", "rad", "Yaw"),
    _channel("pitch", "float", "rad", "Pitch"),
    _channel("roll", "float", "rad", "Roll"),
    _channel("latitude", "double", "degrees", "Lat"),
    _channel("longitude", "double", "degrees", "Lon"),
    _channel("altitude", "float", "m", "Alt"),
    *_wheel_channels(),
    _channel("track_temp", "float", "°C", "TrackTemp"),
    _channel("air_temp", "float", "°C", "AirTemp"),
    _integer("track_wetness", "int16", "TrackWetness", *_INT16),
    _integer("session_flags", "int64", "SessionFlags", 0, 2**32 - 1),
    _integer("track_surface", "int16", "PlayerTrackSurface", *_INT16),
    _channel("on_pit_road", "bool", "", "OnPitRoad"),
)
"""Every channel, in the order of the database's columns."""

CHANNEL_BY_NAME: Final[dict[str, Channel]] = {channel.name: channel for channel in CHANNELS}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> "pa.Schema":
        """`LAP_SCHEMA`, once it is asked for."""
        if name != "LAP_SCHEMA":
            raise AttributeError(name)
        return _lap_schema()


@functools.cache
def _lap_schema() -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415

    return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in CHANNELS])
