"""One at a time: the lock under which an event is worked on, by a follower or by a command that does a follower's work.

It is an advisory lock, and ends with the transaction that took it. It is taken where a row of `lock_slots` lies: a
distributed database evaluates the function there, and keeps that connection until the transaction ends.
"""

import zlib
from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam as bind
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.following.models import SLOTS, LockSlot

_NUMBER: Final = func.hashtextextended(bind("what"), 0)
_OF_SLOT: Final = LockSlot.slot == bind("slot")
_TRY: Final = select(func.pg_try_advisory_xact_lock(_NUMBER)).where(_OF_SLOT)
_TAKE: Final = select(func.pg_advisory_xact_lock(_NUMBER)).where(_OF_SLOT)


async def try_lock(session: AsyncSession, follower: str, key: str) -> bool:
    """Take the lock of an event for a follower. False if somebody else has it."""
    taken = await session.execute(_TRY, _of(follower, key))
    return bool(taken.scalar_one())


async def lock(session: AsyncSession, follower: str, key: str) -> None:
    """Take it, and wait for who has it."""
    (await session.execute(_TAKE, _of(follower, key))).one()


async def lock_all(session: AsyncSession, follower: str, keys: Iterable[object]) -> None:
    """Take several of a follower, always in the same order, so that two who do so never wait for one another."""
    for key in sorted(map(str, keys)):
        await lock(session, follower, key)


def _of(follower: str, key: str) -> dict[str, str | int]:
    """The lock's name, and the slot at which everybody takes it."""
    what = f"{follower}:{key}"
    return {"what": what, "slot": zlib.crc32(what.encode()) % SLOTS}
