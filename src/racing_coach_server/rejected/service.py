"""Rejected messages of every route: keep, list, find, forget. Flushes; the caller commits."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from sqlalchemy import Boolean, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announcing
from racing_coach_server.database.text import indexable, storable
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.rejected.schemas import Rejection, RejectionSummary

_ANY: Final = "#"
_COUNTED: Final = "over the quota"


class Keep(Enum):
    """How much of a message is kept."""

    WHOLE = auto()
    HASH = auto()
    """Everything but the payload."""
    COUNT = auto()
    """One row for all such of a rig, with the last one's reason."""


class RejectedMessages:
    """The messages that were answered `rejected`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def keep(self, rejection: Rejection, how: Keep = Keep.WHOLE) -> bool:
        """Keep a message that is answered `rejected`; the same one again is counted.

        Returns:
            Whether it was not there before.
        """
        is_counted = how is Keep.COUNT
        topic, rigs, rest = rejection.topic.partition("/rigs/")
        statement = insert(RejectedMessage).values(
            topic=indexable(f"{topic}{rigs}{rest.partition('/')[0]}/{_ANY}" if is_counted else rejection.topic),
            reason=storable(rejection.reason),
            errors=[{"loc": list(e.loc), "msg": storable(e.msg)} for e in rejection.errors],
            payload=bytes(rejection.payload) if how is Keep.WHOLE else b"",
            payload_sha256=_COUNTED if is_counted else rejection.payload_sha256,
            content_type=None if rejection.content_type is None else storable(rejection.content_type),
            traceback=None if rejection.traceback is None else storable(rejection.traceback),
            received_at=rejection.received_at,
            last_received_at=rejection.received_at,
            times_received=1,
        )
        again = {
            "last_received_at": rejection.received_at,
            "times_received": RejectedMessage.times_received + 1,
            "reason": statement.excluded.reason,
            "errors": statement.excluded.errors,
            "traceback": statement.excluded.traceback,
        }
        # PostgreSQL's way to say that the row is a new one: nobody has updated it.
        is_new = literal_column("xmax = 0", Boolean).label("is_new")
        kept = (
            statement.on_conflict_do_update(index_elements=["topic", "payload_sha256"], set_=again)
            .returning(RejectedMessage.id, is_new)
            .cte("kept")
        )
        added = await self._session.execute(announcing(kept, Announced.REJECTED, kept.c.id, kept.c.is_new))
        return bool(added.scalar_one())

    async def usage(self) -> Sequence[tuple[str, int, int]]:
        """Of each rig: its name, its messages, and the bytes of their payloads, which are not read for it."""
        rig = func.coalesce(func.substring(RejectedMessage.topic, r"/rigs/([^/]*)"), "")
        statement = select(rig, func.count(), func.sum(func.length(RejectedMessage.payload))).group_by(rig)
        return [(name, rows, size) for name, rows, size in await self._session.execute(statement)]

    async def forget_older_than(self, days: int) -> None:
        """Delete the messages that came last before so many days."""
        limit = datetime.now(UTC) - timedelta(days=days)
        await self._session.execute(delete(RejectedMessage).where(RejectedMessage.last_received_at < limit))

    async def newest(self, *, limit: int = 50) -> Sequence[RejectionSummary]:
        """The messages rejected last, newest first; no payload is read."""
        statement = (
            select(
                RejectedMessage.id,
                RejectedMessage.topic,
                func.length(RejectedMessage.payload),
                RejectedMessage.times_received,
                RejectedMessage.last_received_at,
                RejectedMessage.reason,
            )
            .order_by(RejectedMessage.last_received_at.desc())
            .limit(limit)
        )
        return [RejectionSummary(*row) for row in await self._session.execute(statement)]

    async def find(self, rejected_id: int) -> RejectedMessage | None:
        """One message, whole; None if there is none of this number."""
        return await self._session.get(RejectedMessage, rejected_id)

    async def last_received_before(self, limit: datetime) -> Sequence[int]:
        """The numbers of the messages that came last before then."""
        statement = select(RejectedMessage.id).where(RejectedMessage.last_received_at < limit)
        return (await self._session.scalars(statement.order_by(RejectedMessage.id))).all()

    async def forget(self, rejected_id: int) -> None:
        """Delete a message: it is stored after all, or of no use."""
        await self._session.execute(delete(RejectedMessage).where(RejectedMessage.id == rejected_id))
