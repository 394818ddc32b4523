"""Laps that were received long ago: which are to go, and that they go. What a driver chose for reference stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.models import ChosenReferenceRecord
from racing_coach_server.lifecycle.sweep import first_of
from racing_coach_server.telemetry.models import LapRecord


@dataclass(frozen=True, slots=True)
class OldLaps:
    """Laps that are old.

    Attributes:
        laps, frames: how many are to go.
        first: when the first of them was received, None if there is none.
        chosen: laps that stay, since drivers chose them for reference.
    """

    laps: int
    frames: int
    first: datetime | None
    chosen: int


class Pruning:
    """Finds old laps."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, before: datetime) -> OldLaps:
        """What was received before a time. Goes through all of it."""
        totals = select(
            func.count(), func.coalesce(func.sum(LapRecord.frame_count), 0), func.min(LapRecord.received_at)
        ).where(*_old(before))
        laps, frames, first = (await self._session.execute(totals)).one()
        kept = select(func.count()).select_from(LapRecord).where(LapRecord.received_at < before, _is_chosen())
        return OldLaps(laps, int(frames), first, (await self._session.execute(kept)).scalar_one())

    async def next(self, before: datetime) -> Sequence[UUID]:
        """The oldest of them, as many as go in one transaction."""
        order = (LapRecord.received_at, LapRecord.id)
        return await first_of(
            self._session, select(LapRecord.id, LapRecord.frame_count).where(*_old(before)).order_by(*order)
        )


def _is_chosen() -> ColumnElement[bool]:
    return exists().where(ChosenReferenceRecord.lap_id == LapRecord.id)


def _old(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return LapRecord.received_at < before, ~_is_chosen()
