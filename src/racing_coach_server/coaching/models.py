"""The table of what the coach said."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE

_TIMESTAMP = DateTime(timezone=True)


class CoachingRecord(Base):
    """The coach's word on one lap, as it was published."""

    __tablename__ = "coaching"

    lap_id: Mapped[UUID] = mapped_column(ForeignKey("laps.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(Text)
    """`done` or `failed` (see `detail`)."""
    rig_id: Mapped[str] = mapped_column(Text)
    compared_at: Mapped[datetime | None] = mapped_column(_TIMESTAMP, default=None)
    """Of which comparison it speaks, by that one's `created_at`: with another, something is said anew."""
    message: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    detail: Mapped[str | None] = mapped_column(Text, default=None)
    published_at: Mapped[datetime | None] = mapped_column(_TIMESTAMP, default=None)
    """When the broker accepted it; null while it has not, and for what came too late to be said."""
    created_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)

    __table_args__ = (Index("ix_coaching_rig_id_created_at", "rig_id", "created_at"), {"info": ON_EVERY_NODE})
