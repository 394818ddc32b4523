"""The channels of a telemetry frame: names, types, units and where iRacing has them.

This table is the one source for the canonical Arrow schema, for the JSON path of every channel, for the
database columns and for the documentation of units. Everything else is derived from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

WHEELS: Final = ("LF", "RF", "LR", "RR")
"""Wheel positions as iRacing abbreviates them: left front, right front, left rear, right rear."""

TREAD_POSITIONS: Final = ("left", "middle", "right")
"""Where across the tread a tyre is measured; iRacing's suffixes L, M and R."""

SAMPLE_RATE_HZ: Final = 60
"""iRacing samples telemetry 60 times a second."""

_REAL: Final = pa.float32()
_DOUBLE: Final = pa.float64()


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a frame.

    Attributes:
        name: the column's name in the database and in the Arrow encoding.
        type: the canonical Arrow type.
        unit: the physical unit, empty where there is none.
        iracing: the iRacing variable, empty where there is none.
        required: whether every frame must have a value.
        json_path: where the value lies in a JSON TelemetryFrame.
        minimum, maximum: the inclusive range of an integer channel, None for the others.
    """

    name: str
    type: pa.DataType
    unit: str
    iracing: str
    json_path: tuple[str, ...]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None


def _channel(name: str, type_: pa.DataType, unit: str, iracing: str, *, required: bool = False) -> Channel:
    return Channel(name, type_, unit, iracing, (name,), required)


def _integer(name: str, type_: pa.DataType, iracing: str, low: int, high: int, *, required: bool = False) -> Channel:
    return Channel(name, type_, "", iracing, (name,), required, low, high)


def _wheel_channels() -> Iterator[Channel]:
    for field, suffix, unit, iracing in (
        ("tire_temps", "tire_temp", "°C", "tempC"),
        ("tire_wear", "tire_wear", "0 to 1 left", "wear"),
    ):
        for wheel in WHEELS:
            for position in TREAD_POSITIONS:
                yield Channel(
                    name=f"{wheel.lower()}_{suffix}_{position}",
                    type=_REAL,
                    unit=unit,
                    iracing=f"{wheel}{iracing}{position[0].upper()}",
                    json_path=(field, wheel, position),
                )
    for wheel in WHEELS:
        yield Channel(
            name=f"{wheel.lower()}_brake_pressure",
            type=_REAL,
            unit="bar",
            iracing=f"{wheel}brakeLinePress",
            json_path=("brake_line_pressure", wheel),
        )


_INT16: Final = (-(2**15), 2**15 - 1)

CHANNELS: Final[tuple[Channel, ...]] = (
    _channel("timestamp", pa.timestamp("us", tz="UTC"), "", "", required=True),
    _channel("session_time", _DOUBLE, "s since session start", "SessionTime", required=True),
    _integer("lap_number", pa.int32(), "Lap", -1, 2**31 - 1, required=True),
    _channel("lap_distance_pct", _REAL, "0 to 1 of the lap", "LapDistPct", required=True),
    _channel("lap_distance", _REAL, "m from start/finish", "LapDist"),
    _channel("current_lap_time", _REAL, "s", "LapCurrentLapTime"),
    _channel("last_lap_time", _REAL, "s; <= 0 means none", "LapLastLapTime"),
    _channel("best_lap_time", _REAL, "s; <= 0 means none", "LapBestLapTime"),
    _channel("speed", _REAL, "m/s", "Speed", required=True),
    _channel("rpm", _REAL, "rev/min", "RPM"),
    _integer("gear", pa.int16(), "Gear", *_INT16),
    _channel("throttle", _REAL, "0 to 1", "Throttle", required=True),
    _channel("brake", _REAL, "0 to 1", "Brake", required=True),
    _channel("clutch", _REAL, "0 to 1", "Clutch"),
    _channel("steering_angle", _REAL, "rad", "SteeringWheelAngle"),
    _channel("lateral_acceleration", _REAL, "m/s²", "LatAccel"),
    _channel("longitudinal_acceleration", _REAL, "m/s²", "LongAccel"),
    _channel("vertical_acceleration", _REAL, "m/s²", "VertAccel"),
    _channel("yaw_rate", _REAL, "rad/s", "YawRate"),
    _channel("roll_rate", _REAL, "rad/s", "RollRate"),
    _channel("pitch_rate", _REAL, "rad/s", "PitchRate"),
    _channel("velocity_x", _REAL, "m/s", "VelocityX"),
    _channel("velocity_y", _REAL, "m/s", "VelocityY"),
    _channel("velocity_z", _REAL, "m/s", "VelocityZ"),
    _channel("yaw", _REAL, "rad", "Yaw"),
    _channel("pitch", _REAL, "rad", "Pitch"),
    _channel("roll", _REAL, "rad", "Roll"),
    _channel("latitude", _DOUBLE, "degrees", "Lat"),
    _channel("longitude", _DOUBLE, "degrees", "Lon"),
    _channel("altitude", _REAL, "m", "Alt"),
    *_wheel_channels(),
    _channel("track_temp", _REAL, "°C", "TrackTemp"),
    _channel("air_temp", _REAL, "°C", "AirTemp"),
    _integer("track_wetness", pa.int16(), "TrackWetness", *_INT16),
    _integer("session_flags", pa.int64(), "SessionFlags", 0, 2**32 - 1),
    _integer("track_surface", pa.int16(), "PlayerTrackSurface", *_INT16),
    _channel("on_pit_road", pa.bool_(), "", "OnPitRoad"),
)
"""Every channel, in the order of the database's columns."""

CHANNEL_BY_NAME: Final[dict[str, Channel]] = {channel.name: channel for channel in CHANNELS}

LAP_SCHEMA: Final[pa.Schema] = pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in CHANNELS])
"""The canonical columns of a lap: one row a frame, in driving order."""
