"""Answers from a real broker settle the laps that were sent."""

import asyncio
import threading
from pathlib import Path

from tests.infra import Broker
from tests.rig.sending.publishing import (
    DUPLICATE,
    REJECTED,
    SUCCESS,
    all_stored,
    publishing,
    settings_for,
    spool,
    states,
)
from tests.scripted_daemon import ScriptedDaemon, always
from tests.waiting import eventually

from racing_coach_core.messages import LapUploadResponse
from racing_coach_core.mqtt.connection import Connection
from racing_coach_rig.config import OutboxSettings, RigSettings
from racing_coach_rig.outbox.accounts import Accounts
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox


async def test_each_kind_of_answer(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A rejected lap is set aside with the reason and holds up nobody; a duplicate is stored too."""
    spool(outbox, 1, 2, 3, 4)
    script = {1: SUCCESS, 2: REJECTED, 3: DUPLICATE, 4: SUCCESS}
    async with (
        ScriptedDaemon(mosquitto_broker, rig, lambda lap: script[lap.lap_number]),
        publishing(settings_for(mosquitto_broker, rig), outbox),
    ):
        await eventually(lambda: outbox.contents().waiting == 0)
    assert states(outbox) == {1: State.STORED, 2: State.REJECTED, 3: State.STORED, 4: State.STORED}
    (rejected,) = outbox.entries(State.REJECTED)
    assert rejected.answer is not None
    assert rejected.answer.message == "the script says rejected"
    assert outbox.accounts() == Accounts(spooled=4, sent=4, stored=2, duplicate=1, rejected=1)


async def test_an_answer_that_cannot_be_read_is_left_alone(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Rubbish on the answers' topic stops nothing, and does not come again."""
    settings = settings_for(mosquitto_broker, rig)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        async with publishing(settings, outbox) as publisher:
            await eventually(lambda: publisher.connected)
            for payload in (b"", b"{", b"\xff", b"[]", b'{"status": "lost"}'):
                await daemon.publish_answer("x", payload)
            spool(outbox, 1)
            await eventually(lambda: all_stored(outbox) and outbox.entries())
        assert await left_in_the_session(daemon, settings) == []


class BusyOutbox(Outbox):
    """An outbox on a disk that is busy: what comes of an answer is known when the test says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(OutboxSettings(path=path))
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def answered(self, answer: LapUploadResponse) -> bool:
        self.begun.set()
        assert self.may_go_on.wait(60)
        return super().answered(answer)


async def test_an_answer_that_the_outbox_has_is_acknowledged(
    mosquitto_broker: Broker, tmp_path: Path, rig: str
) -> None:
    """Also when whoever sends leaves meanwhile, as `publish` does with the last answer: it does not come again."""
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=600)
    with BusyOutbox(tmp_path / "busy.sqlite3") as outbox:
        spool(outbox, 1)
        async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
            async with publishing(settings, outbox):
                await asyncio.to_thread(outbox.begun.wait, 60)
                asyncio.get_running_loop().call_later(0.2, outbox.may_go_on.set)
            assert states(outbox) == {1: State.STORED}
            assert await left_in_the_session(daemon, settings) == []


async def left_in_the_session(daemon: ScriptedDaemon, settings: RigSettings) -> list[bytes]:
    """What the broker still has for a rig that is gone."""
    await daemon.publish_answer("x", b"the last word")
    left: list[bytes] = []
    async with asyncio.timeout(60), Connection(settings.mqtt, client_id=settings.client_id) as look:
        async for delivery in look.deliveries():
            if delivery.payload == b"the last word":
                break
            left.append(delivery.payload)
    return left


async def test_only_an_answer_to_these_bytes_counts(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """An answer with the lap's id and another hash leaves the lap on disk."""
    spool(outbox, 1)
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon, publishing(settings, outbox):
        await eventually(lambda: daemon.laps)
        await daemon.answer(daemon.laps[0], SUCCESS, payload_sha256="0" * 64)
        await asyncio.sleep(0.5)
        assert states(outbox) == {1: State.WAITING}
        await daemon.answer(daemon.laps[0], SUCCESS)
        await eventually(lambda: all_stored(outbox))


async def test_an_answer_waits_for_a_rig_that_is_away(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Its session keeps the answer, so that nothing has to be sent twice."""
    spool(outbox, 1)
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon:
        async with publishing(settings, outbox):
            await eventually(lambda: daemon.laps)
        await daemon.answer(daemon.laps[0], SUCCESS)
        async with publishing(settings, outbox):
            await eventually(lambda: all_stored(outbox))
        assert daemon.lap_numbers == [1]


async def test_the_first_answer_brings_the_others_forward(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Laps that nobody took wait for minutes, but not once somebody answers."""
    spool(outbox, 1)
    async with publishing(settings_for(mosquitto_broker, rig, answer_timeout_s=600), outbox) as publisher:
        await eventually(lambda: outbox.entries()[0].trouble)
        async with ScriptedDaemon(mosquitto_broker, rig):
            spool(outbox, 2)
            publisher.wake()
            await eventually(lambda: all_stored(outbox))
