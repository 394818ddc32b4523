"""Tables of comparisons, and of the references that drivers chose."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Double, ForeignKey, Index, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE

_TIMESTAMP = DateTime(timezone=True)


class ChosenReferenceRecord(Base):
    """The lap with which a driver wants to be compared, for one car on one track and configuration."""

    __tablename__ = "chosen_references"

    driver: Mapped[str] = mapped_column(Text, primary_key=True)
    track_id: Mapped[str] = mapped_column(Text, primary_key=True)
    track_config_name: Mapped[str] = mapped_column(Text, primary_key=True)
    car_id: Mapped[str] = mapped_column(Text, primary_key=True)
    lap_id: Mapped[UUID] = mapped_column(ForeignKey("laps.id", ondelete="CASCADE"))
    chosen_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (Index(None, "lap_id"), {"info": ON_EVERY_NODE})


class LapComparisonRecord(Base):
    """A lap against the reference that was its own when it came."""

    __tablename__ = "lap_comparisons"

    lap_id: Mapped[UUID] = mapped_column(ForeignKey("laps.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(Text)
    """`done`, `without_reference`, `unusable` (the lap's doing) or `failed` (ours, see `detail`)."""
    analysed_at: Mapped[datetime | None] = mapped_column(_TIMESTAMP, default=None)
    """Which analysis it was made from, by that one's `created_at`: with another, the lap is compared anew."""
    reference_lap_id: Mapped[UUID | None] = mapped_column(ForeignKey("laps.id", ondelete="SET NULL"), default=None)
    rule: Mapped[str | None] = mapped_column(Text, default=None)
    delta_s: Mapped[float | None] = mapped_column(Double, default=None)
    detail: Mapped[str | None] = mapped_column(Text, default=None)
    comparison: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (
        Index(None, "created_at"),
        # A lap that is deleted is looked for here.
        Index(None, "reference_lap_id"),
        {"info": ON_EVERY_NODE},
    )
