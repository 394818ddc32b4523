"""The rig at a real broker: connected, refused, cut off, and seen to be there."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.infra import MOSQUITTO_DIR, Broker
from tests.rig.sending.publishing import (
    SUCCESS,
    all_stored,
    publishing,
    settings_for,
    spool,
    states,
)
from tests.scripted_daemon import ScriptedDaemon, always
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox


async def test_a_broker_that_is_down_is_waited_for(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str
) -> None:
    """Not there at the start: it says where it looked, and sends once the broker is up."""
    broker = mosquitto_process.broker
    mosquitto_process.stop()
    spool(outbox, 1)
    async with publishing(settings_for(broker, rig, answer_timeout_s=1), outbox) as publisher:
        await eventually(lambda: publisher.trouble)
        assert f"{broker.host}:{broker.port}" in str(publisher.trouble)
        assert not publisher.connected
        await asyncio.to_thread(mosquitto_process.start)
        async with ScriptedDaemon(broker, rig):
            await eventually(lambda: publisher.connected)
            assert publisher.trouble is None
            await eventually(lambda: all_stored(outbox))


@pytest.mark.parametrize("forgets", [True, False])
async def test_a_broker_that_restarts(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str, forgets: bool
) -> None:
    """If it lost its memory the laps are sent again at once, and not after the timeout; else nothing is sent twice."""
    spool(outbox, 1, 2)
    broker = mosquitto_process.broker
    async with publishing(settings_for(broker, rig, answer_timeout_s=600), outbox) as publisher:
        async with ScriptedDaemon(broker, rig, always(None)) as deaf:
            await eventually(lambda: len(deaf.laps) == 2)
            if forgets:
                mosquitto_process.kill()
                mosquitto_process.forget()
            else:
                await asyncio.to_thread(mosquitto_process.stop)
        await eventually(lambda: not publisher.connected)
        await asyncio.to_thread(mosquitto_process.start)
        await eventually(lambda: publisher.connected)
        if forgets:
            await eventually(lambda: all(entry.sent == 2 for entry in outbox.entries()))
            return
        async with ScriptedDaemon(broker, rig) as daemon:
            for lap in deaf.laps:
                await daemon.answer(lap, SUCCESS)
            await eventually(lambda: all_stored(outbox))
    assert outbox.accounts().sent == 2


async def test_a_wrong_password_is_told(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """The rig keeps trying, and says which settings to look at."""
    spool(outbox, 1)
    async with publishing(settings_for(mosquitto_broker, rig, mqtt={"password": "guessed"}), outbox) as publisher:
        await eventually(lambda: publisher.trouble)
        assert "RACING_COACH_MQTT__PASSWORD" in str(publisher.trouble)
    assert states(outbox) == {1: State.WAITING}


async def test_a_rig_of_another_name_is_told(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Logged in as one rig and publishing as another: refused by the broker's access list, in words."""
    settings = settings_for(mosquitto_broker, rig).model_copy(update={"rig": "rig-of-nobody"})
    async with publishing(settings, outbox) as publisher:
        await eventually(lambda: publisher.trouble)
        assert "not authorised" in str(publisher.trouble)


async def test_a_status_that_the_broker_refuses_stops_no_lap(
    need_mosquitto: None, outbox: Outbox, rig: str, tmp_path: Path
) -> None:
    """Nobody sees that the rig is online, which it says; its laps are stored."""
    access = (MOSQUITTO_DIR / "acl").read_text()
    assert "pattern write racing-coach/v1/rigs/%u/status" in access
    strict = tmp_path / "acl"
    strict.write_text(access.replace("pattern write racing-coach/v1/rigs/%u/status", ""))
    spool(outbox, 1)
    with MosquittoProcess(settings={"acl_file": str(strict)}) as process:
        async with (
            ScriptedDaemon(process.broker, rig),
            publishing(settings_for(process.broker, rig), outbox) as publisher,
        ):
            await eventually(lambda: all_stored(outbox))
            assert publisher.connected
            assert "not authorised" in str(publisher.trouble)


async def test_presence_is_retained(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Online while it runs, offline once it has stopped, for whoever looks whenever."""
    async with ScriptedDaemon(mosquitto_broker, rig) as before:
        async with publishing(settings_for(mosquitto_broker, rig), outbox):
            await eventually(lambda: before.presence[-1:] == [True])
            async with ScriptedDaemon(mosquitto_broker, rig) as meanwhile:
                await eventually(lambda: meanwhile.presence == [True])
        await eventually(lambda: before.presence[-1] is False)
        async with ScriptedDaemon(mosquitto_broker, rig) as after:
            await eventually(lambda: after.presence == [False])


async def test_stopping_does_not_wait_for_a_broker_that_hangs(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str
) -> None:
    """No goodbye to a broker that answers nothing: the rig still ends, and soon."""
    async with publishing(settings_for(mosquitto_process.broker, rig), outbox) as publisher:
        await eventually(lambda: publisher.connected)
        mosquitto_process.freeze()
        started = time.monotonic()
    assert time.monotonic() - started < 10
    mosquitto_process.thaw()


async def test_an_outbox_that_fails_is_told_and_tried_again(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A disk in trouble does not end the sender: it says so, goes offline, and comes back."""
    settings = settings_for(mosquitto_broker, rig)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, publishing(settings, outbox) as publisher:
        await eventually(lambda: publisher.connected)
        outbox.close()
        await eventually(lambda: publisher.trouble)
        assert "is not open" in str(publisher.trouble)
        await eventually(lambda: daemon.presence[-1] is False)
        outbox.open()
        spool(outbox, 1)
        await eventually(lambda: all_stored(outbox))
