"""What is made of a lap before it is stored, by the thread that decodes."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.laps import make_lap
from tests.server.support import Stored, new_lap

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.messaging.messages import Message
from racing_coach_server.telemetry.binary_copy import binary_copy
from racing_coach_server.telemetry.handlers import LapHandler, telemetry
from racing_coach_server.telemetry.service import TelemetryService


@pytest.fixture
def handler() -> Iterator[LapHandler]:
    with Dependencies(Settings(_env_file=None)) as dependencies:
        (route,) = telemetry(dependencies).routes
        assert isinstance(route.handler, LapHandler)
        yield route.handler


def message(lap: Lap) -> Message:
    segments = {"rig": "rig-1", "car": lap.session.car_id}
    payload = encode_lap(lap, Encoding.ARROW)
    return Message("laps", segments, payload, "application/vnd.apache.arrow.stream", None, None, datetime.now(UTC))


async def test_a_lap_among_others_is_written_where_it_is_decoded(
    handler: LapHandler, database: Database, stored: Stored
) -> None:
    """The very bytes that are written otherwise; and they are stored."""
    lap = new_lap()
    with handler.in_hand.one_more():
        received = await handler.read(message(lap))

    assert received.known_blocks is not None
    assert b"".join(received.known_blocks) == b"".join(binary_copy(lap.frames, lap_id=lap.lap_id))
    async with database.transaction() as session:
        await TelemetryService(session).store_lap(received)
    speeds = (await stored.columns(lap.lap_id))["speed"]
    assert speeds == lap.frames.column("speed").to_pylist()


async def test_a_lap_that_is_alone_or_long_is_written_while_it_is_sent(handler: LapHandler) -> None:
    """The first would wait for it; of the second too much would lie in memory."""
    alone = await handler.read(message(new_lap()))
    with handler.in_hand.one_more():
        long = await handler.read(message(make_lap(10_001)))
    assert (alone.known_blocks, long.known_blocks) == (None, None)
    assert alone.payload_sha256 == payload_sha256(encode_lap(alone.lap, Encoding.ARROW))


async def test_what_is_no_lap_is_in_hand_no_more(handler: LapHandler) -> None:
    """Whatever becomes of a message, the next one that is alone is seen to be."""
    lap = new_lap()
    broken = Message("laps", {"rig": "rig-1", "car": "x"}, b"{", None, None, None, datetime.now(UTC))
    with pytest.raises(Exception, match="JSON"):
        await handler.read(broken)
    received = await handler.read(message(lap))
    assert handler.in_hand.count == 0
    assert received.known_blocks is None
