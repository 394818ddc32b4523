"""Bugs of our own and want of memory, in the middle of a message."""

import pyarrow as pa
import pytest
from tests.lap_client import LapClient
from tests.server.messaging.breaking import QUICK
from tests.server.support import Stored, arrow, new_lap, new_laps

from racing_coach_core.identity import payload_sha256
from racing_coach_server.app import App
from racing_coach_server.messaging.messages import Message, Reply
from racing_coach_server.telemetry.exceptions import DecoderBugError
from racing_coach_server.telemetry.handlers import LapHandler
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Payloads by their SHA-256 on which the handler raises, and how often it still will."""
    raises: dict[str, int] = {}
    handle = LapHandler.handle

    async def buggy(self: LapHandler, message: Message, content: ReceivedLap, service: TelemetryService) -> Reply:
        reply = await handle(self, message, content, service)  # raises when all is written, and before it is committed
        if raises.get(message.payload_sha256, 0) > 0:
            raises[message.payload_sha256] -= 1
            raise KeyError("a bug of ours")
        return reply

    monkeypatch.setattr(LapHandler, "handle", buggy)
    return raises


async def test_a_bug_is_tried_again_then_kept_with_its_traceback(
    app: App, rig: LapClient, stored: Stored, bug: dict[str, int]
) -> None:
    """bug_tries times, then rejected and kept with the traceback; good laps are stored meanwhile."""
    bad, *good = new_laps(3)
    payload = arrow(bad)
    bug[payload_sha256(payload)] = 1000

    sha256 = await rig.publish(payload)
    statuses = [(await rig.send(arrow(lap))).status for lap in good]
    answer = await rig.answer(sha256)

    assert statuses == ["success", "success"]
    assert answer.status == "rejected"
    assert "the server failed on this message (KeyError)" in answer.message
    assert "a bug of ours" not in answer.message
    assert bug[sha256] == 1000 - QUICK["bug_tries"]
    (row,) = await stored.rejected(sha256)
    assert "KeyError: 'a bug of ours'" in row["traceback"]
    assert row["payload"] == payload
    assert await stored.value("select count(*) from laps") == len(good)


async def test_a_bug_that_passes_costs_nothing(app: App, rig: LapClient, stored: Stored, bug: dict[str, int]) -> None:
    """Fewer failures than bug_tries: stored once."""
    lap = new_lap()
    bug[payload_sha256(arrow(lap))] = QUICK["bug_tries"] - 1

    assert (await rig.send(arrow(lap))).status == "success"
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What reading a message raises, the last one first, until there is none left."""
    waiting: list[Exception] = []
    read = LapHandler.read

    async def fails_first(self: LapHandler, message: Message) -> ReceivedLap:
        if waiting:
            raise waiting.pop()
        return await read(self, message)

    monkeypatch.setattr(LapHandler, "read", fails_first)
    return waiting


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (MemoryError(), QUICK["poison_tries"] - 1),
        (pa.ArrowMemoryError("malloc of size 900032 failed"), QUICK["poison_tries"] - 1),
        (RuntimeError("can't start new thread"), QUICK["poison_tries"] - 1),
        (DecoderBugError("KeyError()"), QUICK["bug_tries"] - 1),
    ],
    ids=["no memory", "no memory for Arrow", "no thread", "a bug"],
)
async def test_a_reading_that_fails_for_a_while_costs_no_lap(
    app: App, rig: LapClient, stored: Stored, failures: list[Exception], error: Exception, times: int
) -> None:
    """Want of memory is tried again, as often as a lost connection is."""
    lap = new_lap()
    failures += [error] * times

    assert (await rig.send(arrow(lap))).status == "success"
    assert not failures
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_a_message_that_never_finds_memory_stalls_nobody(
    app: App, rig: LapClient, stored: Stored, failures: list[Exception]
) -> None:
    """Kept after poison_tries, and the next lap is stored."""
    failures += [MemoryError()] * QUICK["poison_tries"]

    refused, kept = await rig.send(arrow(new_lap())), await rig.send(arrow(new_lap()))

    assert (refused.status, kept.status) == ("rejected", "success")
    assert "MemoryError" in refused.message
    assert await stored.value("select count(*) from laps") == 1
