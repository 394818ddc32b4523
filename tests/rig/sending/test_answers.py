"""Answers from a real broker settle the laps that were sent."""

import asyncio
import contextlib

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
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, publishing(settings, outbox) as publisher:
        await eventually(lambda: publisher.connected)
        for payload in (b"", b"{", b"\xff", b"[]", b'{"status": "lost"}'):
            await daemon.publish_answer("x", payload)
        spool(outbox, 1)
        await eventually(lambda: all_stored(outbox) and outbox.entries())
    # Answers are taken one after the other, so what came before this lap's is dealt with. Its own PUBACK may be late.
    look = Connection(settings.mqtt, client_id=settings.client_id)
    async with look:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async for delivery in look.deliveries():
                    assert LapUploadResponse.model_validate_json(delivery.payload).lap_number == 1


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
