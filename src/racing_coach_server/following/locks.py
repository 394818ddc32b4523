"""One at a time: the lock under which an event is worked on, by a follower or by a command that does a follower's work.

It ends with the transaction that took it.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_TRY: Final = text("select pg_try_advisory_xact_lock(hashtextextended(:what, 0))")
_TAKE: Final = text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")


async def try_lock(session: AsyncSession, follower: str, key: str) -> bool:
    """Take the lock of an event for a follower. False if somebody else has it."""
    taken = await session.execute(_TRY, {"what": f"{follower}:{key}"})
    return bool(taken.scalar_one())


async def lock(session: AsyncSession, follower: str, key: str) -> None:
    """Take it, and wait for who has it."""
    await session.execute(_TAKE, {"what": f"{follower}:{key}"})


async def lock_all(session: AsyncSession, follower: str, keys: Iterable[object]) -> None:
    """Take several of a follower, always in the same order, so that two who do so never wait for one another."""
    for key in sorted(map(str, keys)):
        await lock(session, follower, key)
