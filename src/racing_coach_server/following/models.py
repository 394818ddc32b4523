"""The table at which followers take their locks."""

from typing import Final

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from racing_coach_server.database.base import Base
from racing_coach_server.database.placement import distributed_by

SLOTS: Final = 64
"""Rows of the table; a distributed database has each of them on one node."""


class LockSlot(Base):
    """A place for advisory locks.

    Such a lock is known to the node that gave it and to no other. A row lies on one node, whichever node is asked for
    it, so daemons that are connected to different nodes meet there.
    """

    __tablename__ = "lock_slots"

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)

    __table_args__ = ({"info": distributed_by("slot")},)
