"""Many laps deleted: a few in each transaction, and in between as long a pause, so that laps that come do not wait."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.backoff import Backoff
from racing_coach_core.exceptions import Fault
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import fault_of
from racing_coach_server.feature import Feature
from racing_coach_server.kept import Dependents
from racing_coach_server.lifecycle.deletion import LapDeletion

LAPS: Final = 20
"""Most laps of one transaction."""
_FRAMES: Final = 150_000
"""Frames of one transaction, beside those of its last lap: what is deleted in half a second."""
_TRIES: Final = 8
"""A deadlock, or somebody's lock, for so often in a row is no accident."""

type Find = Callable[[AsyncSession], Awaitable[Sequence[UUID]]]


async def nobody_waits() -> None:
    """Nothing comes first."""


@dataclass(slots=True)
class Sweep:
    """Deletes laps until none is found.

    Attributes:
        database: hands out the transactions.
        features: all of them, lower ones first.
        dependents: what becomes of laps that were compared with one that goes.
        prepared: called in each transaction with the laps that are to go in it.
        noted: called in each transaction with what is gone in it.
        told: called after each transaction.
        room: waited for before each.
        gone: what is gone, by what it is in the plural.
    """

    database: Database
    features: Sequence[Feature]
    dependents: Dependents
    prepared: Callable[[AsyncSession, Sequence[UUID]], Awaitable[None]] | None = None
    noted: Callable[[AsyncSession, Counter[str]], Awaitable[None]] | None = None
    told: Callable[[Counter[str]], None] | None = None
    room: Callable[[], Awaitable[object]] = nobody_waits
    gone: Counter[str] = field(default_factory=Counter)

    async def run(self, find: Find) -> Counter[str]:
        """Delete what is found, batch by batch.

        Args:
            find: the next laps, in the transaction in which they go; none if all are gone.

        Raises:
            Exception: what the database says, if it is more than a lock that somebody has for a moment.
        """
        while True:
            await self.room()
            began = time.monotonic()
            gone = await self._batch(find)
            if gone is None:
                return self.gone
            self.gone += gone
            if self.told is not None:
                self.told(gone)
            await asyncio.sleep(time.monotonic() - began)

    async def _batch(self, find: Find) -> Counter[str] | None:
        backoff = Backoff()
        for tries in range(1, _TRIES + 1):
            try:
                return await self._once(find)
            except Exception as error:
                if fault_of(error) is not Fault.WORLD or tries == _TRIES:
                    raise
                await asyncio.sleep(backoff.next_s())
        raise AssertionError

    async def _once(self, find: Find) -> Counter[str] | None:
        async with self.database.transaction() as session:
            lap_ids = await find(session)
            if not lap_ids:
                return None
            if self.prepared is not None:
                await self.prepared(session, lap_ids)
            gone = await LapDeletion(session, self.features).delete(lap_ids, self.dependents)
            if self.noted is not None:
                await self.noted(session, gone)
        return gone


async def first_of(session: AsyncSession, laps: Select[UUID, int]) -> Sequence[UUID]:
    """The first laps of a query, as many as go in one transaction.

    Args:
        session: the transaction.
        laps: ids and numbers of frames, in their order.
    """
    found: list[UUID] = []
    frames = 0
    for lap_id, count in await session.execute(laps.limit(LAPS)):
        if frames >= _FRAMES:
            break
        found.append(lap_id)
        frames += count
    return found
