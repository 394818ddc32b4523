"""Tables of track maps: where the corners of a track are, numbered once and kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Double, Identity, Integer, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE


class TrackMapRecord(Base):
    """The corners of one track and configuration.

    The highest revision is in force; older ones say what old laps were measured by.
    """

    __tablename__ = "track_maps"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    track_id: Mapped[str] = mapped_column(Text)
    track_config_name: Mapped[str] = mapped_column(Text)
    """Empty for a track without configurations, so that the unique key holds."""
    revision: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(Text)
    """`authored` or `found`."""
    corners: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    length_m: Mapped[float | None] = mapped_column(Double, default=None)
    laps_used: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), init=False)

    __table_args__ = (UniqueConstraint("track_id", "track_config_name", "revision"), {"info": ON_EVERY_NODE})
