"""How far back a follower has to look for what is still to be done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

LONGEST_TRANSACTION: Final = timedelta(minutes=10)
"""A row has the time at which its transaction began, and is seen when that ends: so much later at most."""

TOLD: Final = timedelta(seconds=5)
"""What is younger is with the daemon that made it, which was told."""

FRESH: Final = timedelta(seconds=60)
"""What is said of something that was stored longer ago is not published. For so long it is left to the cell by which it
came, since only that cell's broker reaches the rig."""

_ROOM: Final = text("set local work_mem = '128MB'")
"""A first look holds whole tables against one another, once in a daemon's life. With the 4 MB that a query has unasked
it writes them out to compare them: with a million rows, that takes ten times as long."""


@dataclass(frozen=True, slots=True)
class Window:
    """The rows that are worth a look: of these times, open at both ends for a first look, and ours.

    Attributes:
        since: made then or later.
        until: made then or earlier.
        cell: who looks; None if nothing is left to others.
    """

    since: datetime | None = None
    until: datetime | None = None
    cell: str | None = None

    def holds(self, column: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
        """Whether a row is in it, by the column that says when the row was made; an index of that column is used."""
        if self.since is None or self.until is None:
            return and_(True)
        return and_(column >= self.since, column <= self.until)

    def is_ours(
        self, cell: InstrumentedAttribute[str | None], stored_at: InstrumentedAttribute[datetime]
    ) -> ColumnElement[bool]:
        """Whether a row is not left to another cell.

        Args:
            cell: the column that says by which cell it came.
            stored_at: the column that says when it was stored.
        """
        if self.cell is None:
            return and_(True)
        return or_(cell.is_(None), cell == self.cell, stored_at <= func.now() - FRESH)


class Frontier:
    """The time before which nothing is left to do, as one follower in one daemon knows it.

    A follower's first look, at the daemon's start, goes through everything there is. Every later one begins at the
    oldest that was still to be done at the last, so it costs the same however much is stored. All times are the
    database's.
    """

    def __init__(self, cell: str | None = None) -> None:
        """Begin with everything still to be looked at.

        Args:
            cell: who looks; None if nothing is left to others.
        """
        self._cell = cell
        self._since: datetime | None = None

    async def window(self, session: AsyncSession) -> Window:
        """Where to look now."""
        if self._since is None:
            await session.execute(_ROOM)
            return Window(cell=self._cell)
        return Window(self._since, await _now(session) - TOLD, self._cell)

    async def looked(self, session: AsyncSession, to_do: Iterable[datetime]) -> None:
        """Everything was looked at.

        Args:
            session: the one of the look.
            to_do: when each of those that are still to be done was made, or a time before that.
        """
        self._since = min([await _now(session) - LONGEST_TRANSACTION, *to_do])


async def _now(session: AsyncSession) -> datetime:
    """When the transaction began, so before anything was looked at."""
    return (await session.execute(select(func.now()))).scalar_one()
