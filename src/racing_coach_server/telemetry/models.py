"""Tables of the telemetry feature."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from racing_coach_core.channels import CHANNELS
from racing_coach_server.database.base import Base

_TIMESTAMP = DateTime(timezone=True)


class TrackSession(Base):
    """One driving session; `id` is the session_id of the wire."""

    __tablename__ = "track_sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    rig_id: Mapped[str] = mapped_column(Text)
    track_id: Mapped[str] = mapped_column(Text)
    track_name: Mapped[str] = mapped_column(Text)
    car_id: Mapped[str] = mapped_column(Text)
    car_name: Mapped[str] = mapped_column(Text)
    track_config_name: Mapped[str | None] = mapped_column(Text, default=None)
    track_type: Mapped[str] = mapped_column(Text, default="road course")
    car_class_id: Mapped[str | None] = mapped_column(Text, default=None)
    series_id: Mapped[str | None] = mapped_column(Text, default=None)
    session_type: Mapped[str | None] = mapped_column(Text, default=None)
    driver_id: Mapped[str | None] = mapped_column(Text, default=None)
    driver_name: Mapped[str | None] = mapped_column(Text, default=None)
    timestamp: Mapped[datetime | None] = mapped_column(_TIMESTAMP, default=None)
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (Index(None, "created_at"), Index(None, "driver_id"), Index(None, "rig_id"))


class LapRecord(Base):
    """One stored lap; `id` is the lap_id of the wire. Its frames are in `telemetry`."""

    __tablename__ = "laps"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    track_session_id: Mapped[UUID] = mapped_column(ForeignKey("track_sessions.id"))
    rig_id: Mapped[str] = mapped_column(Text)
    lap_number: Mapped[int] = mapped_column(Integer)
    lap_time: Mapped[float | None] = mapped_column(Double)
    is_valid: Mapped[bool] = mapped_column(Boolean)
    frame_count: Mapped[int] = mapped_column(Integer)
    payload_sha256: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    encoding: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (
        UniqueConstraint("track_session_id", "lap_number"),
        Index(None, "received_at"),
        Index(None, "created_at"),
    )


_COLUMN_TYPES: dict[str, TypeEngine[Any]] = {
    "timestamp[us, tz=UTC]": _TIMESTAMP,
    "double": Double(),
    "float": REAL(),
    "int16": SmallInteger(),
    "int32": Integer(),
    "int64": BigInteger(),
    "bool": Boolean(),
}

telemetry = Table(
    "telemetry",
    Base.metadata,
    *(Column(channel.name, _COLUMN_TYPES[str(channel.type)], nullable=not channel.required) for channel in CHANNELS),
    Column("track_session_id", Uuid, nullable=False),
    Column("lap_id", Uuid, nullable=False),
    Column("frame_index", Integer, nullable=False),
    Index(None, "lap_id", "frame_index"),
    comment="One row a frame. Its columns are those of racing_coach_core.channels; written by COPY only.",
)
"""Frames. No foreign keys: they would be checked row by row, and one transaction writes lap and frames.

`frame_index` counts the frames of a lap from 0 in driving order. Its index serves "this lap in order"."""
