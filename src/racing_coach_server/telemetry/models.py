"""Tables of the telemetry feature."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from racing_coach_core.channels import CHANNELS
from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE, distributed_by

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

    __table_args__ = (Index(None, "created_at"), {"info": ON_EVERY_NODE})


class LapRecord(Base):
    """One stored lap; `id` is the lap_id of the wire. Its frames are in `frame_blocks`.

    Track, configuration, car and driver are its session's, and stand here again: so each way to look for laps is one
    look into an index, whatever the number of laps.
    """

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
    track_id: Mapped[str] = mapped_column(Text, server_default=text("lap_of_an_older_version()"))
    """Who leaves it out is a daemon of a version that did not know it: the default has that one wait."""
    track_config_name: Mapped[str] = mapped_column(Text)
    """Empty for a track without configurations."""
    car_id: Mapped[str] = mapped_column(Text)
    driver: Mapped[str] = mapped_column(Text)
    """The session's driver_id, else the rig."""
    driven_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    """Wall clock of the last frame; when the lap was received, where frames have no real clock."""
    cell: Mapped[str | None] = mapped_column(Text, default=None)
    """The cell by whose broker it came; null for a lap from before there were cells."""
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (
        UniqueConstraint("track_session_id", "lap_number"),
        Index(None, "created_at"),
        # Each order of a list: of all laps, of a track's, a car's, a driver's and a rig's. The columns after the id are
        # looked at in the index, so that what is rare on a track costs no look at laps.
        Index("ix_laps_received", "received_at", "id"),
        Index("ix_laps_time", "lap_time", "id"),
        Index("ix_laps_driven", "driven_at", "id"),
        Index("ix_laps_track_received", "track_id", "received_at", "id", "track_config_name", "car_id"),
        Index("ix_laps_track_time", "track_id", "lap_time", "id", "track_config_name", "car_id"),
        Index("ix_laps_track_driven", "track_id", "driven_at", "id", "track_config_name", "car_id"),
        Index("ix_laps_car_received", "car_id", "received_at", "id"),
        Index("ix_laps_car_time", "car_id", "lap_time", "id"),
        Index("ix_laps_car_driven", "car_id", "driven_at", "id"),
        Index("ix_laps_driver_received", "driver", "received_at", "id"),
        Index("ix_laps_driver_time", "driver", "lap_time", "id", "track_id", "car_id"),
        Index("ix_laps_driver_driven", "driver", "driven_at", "id"),
        Index("ix_laps_rig_received", "rig_id", "received_at", "id"),
        Index("ix_laps_rig_time", "rig_id", "lap_time", "id"),
        Index("ix_laps_rig_driven", "rig_id", "driven_at", "id"),
        # The best of each driver in each car on each track, and which tracks there are.
        Index(
            "ix_laps_best",
            *("track_id", "track_config_name", "car_id", "driver", "lap_time", "id", "is_valid"),
        ),
        {"info": ON_EVERY_NODE},
    )


class DeletedLap(Base):
    """A lap that was deleted, so that it does not come back when its rig, which saw no answer, sends it again."""

    __tablename__ = "deleted_laps"

    lap_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    track_session_id: Mapped[UUID] = mapped_column(Uuid)
    rig_id: Mapped[str] = mapped_column(Text)
    lap_number: Mapped[int] = mapped_column(Integer)
    payload_sha256: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    stored_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    about: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What was known of it: track, car, driver, lap time, when it was received."""
    deleted_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (Index(None, "track_session_id", "lap_number"), Index(None, "deleted_at"), {"info": ON_EVERY_NODE})


class SessionRelabel(Base):
    """That a driving session was given another track, car or driver: what its rig says of it still counts as known."""

    __tablename__ = "session_relabels"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    track_session_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    laps: Mapped[int] = mapped_column(Integer)
    """How many the session had."""
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    relabelled_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = ({"info": ON_EVERY_NODE},)


COLUMN_TYPES: dict[str, TypeEngine[Any]] = {
    "timestamp[us, tz=UTC]": _TIMESTAMP,
    "double": Double(),
    "float": REAL(),
    "int16": SmallInteger(),
    "int32": Integer(),
    "int64": BigInteger(),
    "bool": Boolean(),
}
"""Of each canonical Arrow type."""

BLOCK_FRAMES: Final = 480
"""Frames in a block: 8 s. An array of 4 or 8 bytes a frame then just fills one or two of the pieces in which PostgreSQL
keeps what is too large for a row (TOAST, 1,996 bytes each)."""

frame_blocks = Table(
    "frame_blocks",
    Base.metadata,
    Column("lap_id", Uuid, ForeignKey("laps.id", ondelete="CASCADE"), primary_key=True),
    Column("first_frame", Integer, primary_key=True),
    Column("frame_count", Integer, nullable=False),
    *(Column(channel.name, ARRAY(COLUMN_TYPES[channel.kind]), nullable=not channel.required) for channel in CHANNELS),
    CheckConstraint(f"first_frame % {BLOCK_FRAMES} = 0 and frame_count between 1 and {BLOCK_FRAMES}", "whole_blocks"),
    info=distributed_by("lap_id"),
    comment="The frames of laps, an array a channel; the view telemetry has them one by one. Written by COPY only.",
)
"""Frames, in blocks. A channel without any value in a lap is null in all of its blocks.

The view `telemetry` makes one row a frame of them: its columns are the channels, `track_session_id`, `lap_id`, and
`frame_index`, which counts the frames of a lap from 0 in driving order."""
