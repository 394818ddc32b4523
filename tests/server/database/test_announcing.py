"""What is stored is announced by PostgreSQL's NOTIFY: at the commit, by key, and not when nothing new is stored."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from tests.server.support import new_lap, new_laps

from racing_coach_core.codecs.decode import Encoding, encode_lap
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_server.database.announcing import CHANNEL
from racing_coach_server.database.engine import Database
from racing_coach_server.rejected.schemas import Rejection
from racing_coach_server.rejected.service import RejectedMessages
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.erasing import erase_laps
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

WAIT_S = 60.0


class Heard:
    """What was announced, in its order."""

    def __init__(self) -> None:
        self._payloads: asyncio.Queue[str] = asyncio.Queue()

    def put(self, *notification: object) -> None:
        self._payloads.put_nowait(str(notification[-1]))

    async def next(self) -> str:
        async with asyncio.timeout(WAIT_S):
            return await self._payloads.get()


@pytest.fixture
async def heard(database_url: str) -> AsyncIterator[Heard]:
    """Listens to the test's database."""
    dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    heard = Heard()
    listener = await asyncpg.connect(dsn)
    try:
        await listener.add_listener(CHANNEL, heard.put)
        yield heard
    finally:
        await listener.close()


async def store(database: Database, lap: Lap) -> None:
    received = ReceivedLap(lap, "rig-1", "arrow", payload_sha256(encode_lap(lap, Encoding.ARROW)), datetime.now(UTC))
    async with database.transaction() as session:
        await TelemetryService(session).store_lap(received)


async def test_a_stored_lap_is_announced_once(database: Database, heard: Heard) -> None:
    """By its id; the same lap again is not announced."""
    first, second = new_lap(), new_lap()

    await store(database, first)
    await store(database, first)
    await store(database, second)

    assert [await heard.next(), await heard.next()] == [f"lap:{first.lap_id}", f"lap:{second.lap_id}"]


async def test_what_is_not_committed_is_not_announced(database: Database, heard: Heard) -> None:
    """A lap whose transaction ends otherwise was never there."""
    lap = new_lap()
    with contextlib.suppress(RuntimeError):
        async with database.transaction() as session:
            received = ReceivedLap(new_lap(), "rig-1", "arrow", "0" * 64, datetime.now(UTC))
            await TelemetryService(session).store_lap(received)
            raise RuntimeError("no commit")

    await store(database, lap)

    assert await heard.next() == f"lap:{lap.lap_id}"


async def test_what_is_taken_away_or_relabelled_is_announced(database: Database, heard: Heard) -> None:
    """By the rig that it was of, once for all of its laps."""
    first, second = new_laps(2)
    for lap in (first, second):
        await store(database, lap)
        await heard.next()

    async with database.transaction() as session:
        await LapChanges(session).relabel(first.session.session_id, {"driver_name": "Jo"})
    assert await heard.next() == "rig:rig-1"
    async with database.transaction() as session:
        await erase_laps(session, [first.lap_id, second.lap_id])
    assert await heard.next() == "rig:rig-1"

    other = new_lap()
    await store(database, other)
    assert await heard.next() == f"lap:{other.lap_id}"


async def test_a_rejected_message_is_announced_each_time_it_comes(database: Database, heard: Heard) -> None:
    """By its number, which the same bytes again have too: it is counted, and last received, anew."""
    rejection = Rejection("racing-coach/v1/rigs/a/cars/b/laps", b"\0", "00", None, datetime.now(UTC), reason="no")
    for _ in range(2):
        async with database.transaction() as session:
            await RejectedMessages(session).keep(rejection)

    assert [await heard.next(), await heard.next()] == ["rejected:1"] * 2
