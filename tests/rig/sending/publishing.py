"""A publisher in the background, and what its outbox says."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.infra import Broker
from tests.laps import make_lap

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.messages import LapStatus
from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import Publisher

SUCCESS, DUPLICATE, REJECTED = LapStatus.SUCCESS, LapStatus.DUPLICATE, LapStatus.REJECTED


def settings_for(broker: Broker, rig: str, *, mqtt: dict[str, Any] | None = None, **sending: Any) -> RigSettings:
    credentials = broker.credentials(rig)
    login = {"username": credentials.username, "password": credentials.password} if credentials else {}
    way = {"host": broker.host, "port": broker.port, "client_id": f"{rig}-{uuid.uuid4().hex}", **login, **(mqtt or {})}
    return RigSettings.model_validate({"rig": rig, "mqtt": way, "sending": sending})


@asynccontextmanager
async def publishing(settings: RigSettings, outbox: Outbox) -> AsyncIterator[Publisher]:
    publisher = Publisher(settings, outbox)
    task = asyncio.create_task(publisher.run(), name="publisher")
    try:
        yield publisher
        if task.done():
            task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def spool(outbox: Outbox, *numbers: int, **fields: Any) -> list[Entry]:
    return [outbox.spool(make_lap(number=number, **fields), Encoding.ARROW) for number in numbers]


def states(outbox: Outbox) -> dict[int, State]:
    return {entry.lap_number: entry.state for entry in outbox.entries()}


def all_stored(outbox: Outbox) -> bool:
    return all(state is State.STORED for state in states(outbox).values())
