"""Laps sent at once, and a database that stands still meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.support import (
    Stored,
    arrow,
    connected,
)

from racing_coach_core.lap import Lap

STORED = {"success", "duplicate"}
"""A broker that exceeds Receive Maximum is left for a moment, and sends again what was in flight."""


@asynccontextmanager
async def database_stands_still(stored: Stored) -> AsyncIterator[None]:
    """Every lap waits for a lock, for the length of the block."""
    async with connected(stored.url) as other, other.transaction():
        await other.execute("lock table laps in access exclusive mode")
        yield


async def number_of_laps(stored: Stored) -> int:
    value: int = await stored.value("select count(*) from laps")
    return value


async def send_all(broker: Broker, laps: list[Lap]) -> set[str]:
    """Publish laps at once, and wait for all answers; their statuses."""
    async with LapClient(broker, "rig-1") as rig:
        hashes = [await rig.publish(arrow(lap)) for lap in laps]
        return {(await rig.answer(sha256)).status for sha256 in hashes}


async def all_stored(stored: Stored, laps: int) -> bool:
    return await number_of_laps(stored) == laps
