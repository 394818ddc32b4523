"""The table of analyses: what happened in each corner of a stored lap."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Double, ForeignKey, Index, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE

_TIMESTAMP = DateTime(timezone=True)


class LapAnalysisRecord(Base):
    """What one version of the analysis found in a lap, or why it found nothing.

    Track, configuration, car and driver stand here again, so that "this driver's best lap in this car on this track" is
    one look into an index, whatever the number of laps.
    """

    __tablename__ = "lap_analyses"

    lap_id: Mapped[UUID] = mapped_column(ForeignKey("laps.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(Text)
    """`done`, `unusable` (the lap's doing, see `reason`) or `failed` (ours, see `detail`)."""
    track_id: Mapped[str] = mapped_column(Text)
    track_config_name: Mapped[str] = mapped_column(Text)
    """Empty for a track without configurations."""
    car_id: Mapped[str] = mapped_column(Text)
    driver: Mapped[str] = mapped_column(Text)
    """The session's driver_id, else the rig."""
    driven_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    """Wall clock of the last frame; when the lap was received, where frames have no real clock."""
    lap_time: Mapped[float | None] = mapped_column(Double, default=None)
    """s"""
    is_reference: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether other laps may be compared with it: valid, whole, on track, with a time."""
    is_wet: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str | None] = mapped_column(Text, default=None)
    detail: Mapped[str | None] = mapped_column(Text, default=None)
    track_map_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("track_maps.id"), default=None)
    """The map by which it was measured; null where the track had none yet."""
    analysis: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    """What was measured in each corner."""
    remembered: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    """The lap on a coarse grid, as the coach compares it with later laps; 3 kB a kilometre."""
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (
        Index(
            "ix_lap_analyses_best",
            *("track_id", "track_config_name", "car_id", "is_wet", "lap_time"),
            postgresql_where="is_reference",
        ),
        Index(
            "ix_lap_analyses_own_best",
            *("driver", "track_id", "track_config_name", "car_id", "is_wet", "lap_time"),
            postgresql_where="is_reference",
        ),
        Index("ix_lap_analyses_driver", "driver", "track_id", "track_config_name", "car_id", "driven_at"),
        Index(None, "created_at"),
        Index(
            "ix_lap_analyses_again",
            *("track_id", "track_config_name"),
            postgresql_where="status = 'failed' or (status = 'done' and track_map_id is null)",
        ),
        {"info": ON_EVERY_NODE},
    )
