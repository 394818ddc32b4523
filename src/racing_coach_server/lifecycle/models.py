"""The table of what was erased."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import ON_EVERY_NODE

_TIMESTAMP = DateTime(timezone=True)


def _count() -> Mapped[int]:
    return mapped_column(BigInteger, default=0, server_default="0")


class ErasureRecord(Base):
    """That all data of somebody was erased. Who it was is known only to who asks with the name."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(Text)
    """`driver` or `rig`."""
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    subject: Mapped[bytes] = mapped_column(LargeBinary)
    """scrypt of the driver's or rig's name with this salt: as slow to guess as a password."""
    began_at: Mapped[datetime] = mapped_column(_TIMESTAMP, server_default=func.now(), init=False)
    ended_at: Mapped[datetime | None] = mapped_column(_TIMESTAMP, default=None)
    """Null while it is not finished; then erasing again goes on with it."""
    laps_erased: Mapped[int] = _count()
    frames_erased: Mapped[int] = _count()
    sessions_erased: Mapped[int] = _count()
    analyses_erased: Mapped[int] = _count()
    comparisons_erased: Mapped[int] = _count()
    coaching_erased: Mapped[int] = _count()
    references_erased: Mapped[int] = _count()
    rejected_erased: Mapped[int] = _count()

    __table_args__ = ({"info": ON_EVERY_NODE},)
