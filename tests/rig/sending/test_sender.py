"""Of several senders of one outbox exactly one sends, and one that fails is not silent."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_rig.config import OutboxSettings, RigSettings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.sender import sending


@pytest.fixture
def settings(tmp_path: Path) -> RigSettings:
    return RigSettings.model_validate(
        {"rig": "rig-1", "mqtt": {"port": 1, "client_id": uuid.uuid4().hex}, "outbox": {"path": tmp_path / "o.sqlite3"}}
    )


@pytest.fixture
def outbox(settings: RigSettings) -> Iterator[Outbox]:
    with Outbox(OutboxSettings(path=settings.outbox.path)) as found:
        yield found


async def test_one_sends_and_the_next_takes_over(settings: RigSettings, outbox: Outbox) -> None:
    """The second waits without disturbing the first, and sends once the first has ended."""
    async with sending(settings, outbox) as second_to_end:
        await eventually(lambda: second_to_end.sends)
        async with sending(settings, outbox) as waiting:
            await asyncio.sleep(0.2)
            assert not waiting.sends
    async with sending(settings, outbox) as first:
        await eventually(lambda: first.sends)
        other = sending(settings, outbox)
        second = await other.__aenter__()
        await asyncio.sleep(0.1)
        assert (first.sends, second.sends) == (True, False)
    await eventually(lambda: second.sends)
    await other.__aexit__(None, None, None)


async def test_a_sender_that_fails_ends_the_block(
    settings: RigSettings, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose sender has a bug does not go on as if it sent."""

    async def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("racing_coach_rig.sending.publisher.Publisher._session", lambda *_: fail(None))
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(TIMEOUT_S), sending(settings, outbox):
            await asyncio.Event().wait()
    assert raised.group_contains(ZeroDivisionError)
