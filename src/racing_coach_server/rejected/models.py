"""The table of rejected messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE

_TIMESTAMP = DateTime(timezone=True)


class RejectedMessage(Base):
    """A message that was answered `rejected`, kept whole. The same bytes again are counted, not kept twice."""

    __tablename__ = "rejected_messages"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    topic: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_sha256: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    last_received_at: Mapped[datetime] = mapped_column(_TIMESTAMP)
    content_type: Mapped[str | None] = mapped_column(Text, default=None)
    traceback: Mapped[str | None] = mapped_column(Text, default=None)
    times_received: Mapped[int] = mapped_column(Integer, default=1)

    __table_args__ = (
        UniqueConstraint("topic", "payload_sha256"),
        Index(None, "received_at"),
        {"info": ON_EVERY_NODE},
    )
