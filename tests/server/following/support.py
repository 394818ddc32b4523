"""A daemon with the toy follower, and what its tests look at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from tests.clients import TOPICS
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.following.toy import GATE, seen
from tests.server.support import Stored, arrow, connected, mqtt_settings
from tests.waiting import eventually

from racing_coach_core.lap import Lap
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.app import App

QUICK = {"retry_first_s": 0.02, "retry_cap_s": 0.1}


class RunToy(Protocol):
    def __call__(self, *, version: int = 1, **sections: Any) -> AbstractAsyncContextManager[App]: ...


@asynccontextmanager
async def gate_closed(stored: Stored) -> AsyncIterator[None]:
    """Laps that are ordered to wait do so for the length of the block."""
    async with connected(stored.url) as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", GATE)
        yield


async def is_waiting(stored: Stored) -> bool:
    """Whether the follower is in the middle of a lap, at the gate."""
    return bool(await stored.value("select count(*) from pg_locks where locktype = 'advisory' and not granted"))


async def send(rig: LapClient, laps: list[Lap]) -> None:
    for lap in laps:
        assert (await rig.send(arrow(lap))).status == "success"


async def done(stored: Stored, laps: list[Lap]) -> None:
    """Wait until every lap was followed, by both followers; each of them once."""
    await eventually(lambda: after(stored, len(laps)))
    assert sorted(await seen(stored)) == sorted(lap.lap_id for lap in laps)
    assert await stored.value("select count(distinct lap_id) from toy_after") == len(laps)


async def after(stored: Stored, count: int) -> bool:
    return bool(await stored.value("select count(*) from toy_after") >= count)


@asynccontextmanager
async def listening(broker: Broker) -> AsyncIterator[list[bytes]]:
    """What is published for the rig by followers."""
    heard: list[bytes] = []

    async def listen() -> None:
        async for delivery in connection.deliveries():
            heard.append(delivery.payload)
            delivery.acknowledge()
            delivery.release()

    async with Connection(
        mqtt_settings(broker, "rig-1"), client_id="listener", receive_maximum=100, clean=True
    ) as connection:
        await connection.subscribe([TOPICS.coaching.filter_for(rig="rig-1")])
        task = asyncio.create_task(listen(), name="listen")
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
