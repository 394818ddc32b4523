"""The rig's sender against a real broker: every lap is sent until it is answered, whatever happens on the way."""

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.infra import MOSQUITTO_DIR, RIGS, Broker, MosquittoProcess
from tests.laps import large_lap, make_lap
from tests.scripted_daemon import TOPICS, ReceivedLap, ScriptedDaemon, always

from racing_coach_core.codecs.arrow import CONTENT_TYPE
from racing_coach_core.codecs.decode import Encoding, decode_lap
from racing_coach_core.messages import LapStatus
from racing_coach_core.mqtt import Connection
from racing_coach_rig.config import OutboxSettings, RigSettings
from racing_coach_rig.outbox import Accounts, Entry, Outbox, State
from racing_coach_rig.publisher import Publisher

SUCCESS, DUPLICATE, REJECTED = LapStatus.SUCCESS, LapStatus.DUPLICATE, LapStatus.REJECTED
_names = itertools.cycle(RIGS)


@pytest.fixture
def rig() -> str:
    """The next rig, so that tests one after the other do not see each other's laps."""
    return next(_names)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    found = Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite3"))
    found.open()
    return found


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


async def until(check: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)


def spool(outbox: Outbox, *numbers: int, **fields: Any) -> list[Entry]:
    return [outbox.spool(make_lap(number=number, **fields), Encoding.ARROW) for number in numbers]


def states(outbox: Outbox) -> dict[int, State]:
    return {entry.lap_number: entry.state for entry in outbox.entries()}


def all_stored(outbox: Outbox) -> bool:
    return all(state is State.STORED for state in states(outbox).values())


# --- answers ---------------------------------------------------------------------------------------------


async def test_laps_are_sent_and_leave_when_they_are_stored(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """What waits, and what comes meanwhile, goes out once, in order, and is forgotten on `success`."""
    spool(outbox, 1, 2)
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig), outbox) as publisher,
    ):
        await until(lambda: all_stored(outbox))
        spool(outbox, 3)
        publisher.wake()
        await until(lambda: all_stored(outbox))
        assert (publisher.connected, publisher.trouble) == (True, None)
    assert daemon.lap_numbers == [1, 2, 3]
    assert outbox.accounts() == Accounts(spooled=3, sent=3, stored=3, duplicate=0, rejected=0)
    assert outbox.contents().bytes == 0


async def test_a_lap_goes_where_the_contract_says(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Topic of rig and car, content type, QoS 1, and the payload that was spooled."""
    (entry,) = spool(outbox, 1, car="porsche992rgt3")
    payload = outbox.payload(entry.seq)
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig), outbox),
    ):
        await until(lambda: all_stored(outbox))
    delivery = daemon.laps[0].delivery
    assert delivery.topic == TOPICS.laps.build(rig=rig, car="porsche992rgt3")
    assert (delivery.payload, delivery.content_type, delivery.qos, delivery.retain) == (payload, CONTENT_TYPE, 1, False)
    assert delivery.correlation_data


async def test_each_kind_of_answer(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A rejected lap is set aside with the reason and holds up nobody; a duplicate is stored too."""
    spool(outbox, 1, 2, 3, 4)
    script = {1: SUCCESS, 2: REJECTED, 3: DUPLICATE, 4: SUCCESS}
    async with (
        ScriptedDaemon(mosquitto_broker, rig, lambda lap: script[lap.lap_number]),
        publishing(settings_for(mosquitto_broker, rig), outbox),
    ):
        await until(lambda: outbox.contents().waiting == 0)
    assert states(outbox) == {1: State.STORED, 2: State.REJECTED, 3: State.STORED, 4: State.STORED}
    (rejected,) = outbox.entries(State.REJECTED)
    assert rejected.answer is not None
    assert rejected.answer.message == "the script says rejected"
    assert outbox.accounts() == Accounts(spooled=4, sent=4, stored=2, duplicate=1, rejected=1)


async def test_an_answer_that_cannot_be_read_is_left_alone(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Rubbish on the answers' topic stops nothing, and does not come again."""
    settings = settings_for(mosquitto_broker, rig)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, publishing(settings, outbox) as publisher:
        await until(lambda: publisher.connected)
        for payload in (b"", b"{", b"\xff", b"[]", b'{"status": "lost"}'):
            await daemon.publish_answer("x", payload)
        spool(outbox, 1)
        await until(lambda: all_stored(outbox) and outbox.entries())
        await asyncio.sleep(0.2)  # for the last PUBACK, which follows what the outbox has
    look = Connection(settings.mqtt, client_id=settings.client_id)
    async with look:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(look.deliveries())


async def test_only_an_answer_to_these_bytes_counts(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """An answer with the lap's id and another hash leaves the lap on disk."""
    spool(outbox, 1)
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon, publishing(settings, outbox):
        await until(lambda: daemon.laps)
        await daemon.answer(daemon.laps[0], SUCCESS, payload_sha256="0" * 64)
        await asyncio.sleep(0.5)
        assert states(outbox) == {1: State.WAITING}
        await daemon.answer(daemon.laps[0], SUCCESS)
        await until(lambda: all_stored(outbox))


# --- no answer -------------------------------------------------------------------------------------------


async def test_silence_is_answered_by_sending_again_later_each_time(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """The same bytes, after one, two and four times the timeout, up to the cap, until the answer comes."""
    (entry,) = spool(outbox, 1)

    def script(_: ReceivedLap) -> LapStatus | None:
        return SUCCESS if len(daemon.laps) == 5 else None

    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=0.5, answer_timeout_cap_s=1.6)
    async with ScriptedDaemon(mosquitto_broker, rig, script) as daemon, publishing(settings, outbox):
        await until(lambda: all_stored(outbox), 30)
    gaps = [after.at - before.at for before, after in itertools.pairwise(daemon.laps)]
    # It looks once a second, so each gap may be up to so much longer.
    for gap, planned in zip(gaps, (0.5, 1.0, 1.6, 1.6), strict=True):
        assert planned - 0.05 <= gap < planned + 2
    assert {lap.delivery.payload for lap in daemon.laps} == {daemon.laps[0].delivery.payload}
    found = outbox.entry(entry.seq)
    assert found is not None
    assert found.sent == 5


async def test_without_a_daemon_laps_are_kept_and_it_says_so(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """The broker's word that nobody is subscribed shows in the outbox; once a daemon is there the lap goes out."""
    spool(outbox, 1)
    async with publishing(settings_for(mosquitto_broker, rig, answer_timeout_s=1), outbox) as publisher:
        await until(lambda: outbox.entries()[0].trouble)
        assert outbox.entries()[0].trouble == "no daemon is subscribed; the lap is kept and sent again"
        assert (publisher.connected, publisher.trouble) == (True, None)
        async with ScriptedDaemon(mosquitto_broker, rig):
            await until(lambda: all_stored(outbox))


async def test_the_first_answer_brings_the_others_forward(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Laps that nobody took wait for minutes, but not once somebody answers."""
    spool(outbox, 1)
    async with publishing(settings_for(mosquitto_broker, rig, answer_timeout_s=600), outbox) as publisher:
        await until(lambda: outbox.entries()[0].trouble)
        async with ScriptedDaemon(mosquitto_broker, rig):
            spool(outbox, 2)
            publisher.wake()
            await until(lambda: all_stored(outbox))


async def test_no_more_than_a_window_is_on_its_way(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A daemon that is busy is not buried; each answer lets one more lap go."""
    spool(outbox, *range(1, 7))
    settings = settings_for(mosquitto_broker, rig, window=2, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon, publishing(settings, outbox):
        for answered in range(6):
            sent = min(answered + 2, 6)
            await until(lambda sent=sent: len(daemon.laps) == sent)
            await asyncio.sleep(0.2)
            assert daemon.lap_numbers == list(range(1, sent + 1))
            await daemon.answer(daemon.laps[answered], SUCCESS)
        await until(lambda: all_stored(outbox))


async def test_the_newest_session_goes_first_when_much_waits(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """The driver on the track gets the coach's answer before last night's laps are through."""
    spool(outbox, *range(1, 9), session_id=uuid.uuid4())
    spool(outbox, 101, 102, session_id=uuid.uuid4())
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig, long_backlog=9, window=1), outbox),
    ):
        await until(lambda: all_stored(outbox))
    # With ten waiting the newest session goes first; from eight on it is the order of driving.
    assert daemon.lap_numbers == [101, 102, *range(1, 9)]


# --- the broker goes away --------------------------------------------------------------------------------


async def test_a_broker_that_is_down_is_waited_for(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str
) -> None:
    """Not there at the start: it says where it looked, and sends once the broker is up."""
    broker = mosquitto_process.broker
    mosquitto_process.stop()
    spool(outbox, 1)
    async with publishing(settings_for(broker, rig, answer_timeout_s=1), outbox) as publisher:
        await until(lambda: publisher.trouble)
        assert f"{broker.host}:{broker.port}" in str(publisher.trouble)
        assert not publisher.connected
        await asyncio.to_thread(mosquitto_process.start)
        async with ScriptedDaemon(broker, rig):
            await until(lambda: publisher.connected)
            assert publisher.trouble is None
            await until(lambda: all_stored(outbox))


@pytest.mark.parametrize("forgets", [True, False])
async def test_a_broker_that_restarts(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str, forgets: bool
) -> None:
    """If it lost its memory the laps are sent again at once, and not after the timeout; else nothing is sent twice."""
    spool(outbox, 1, 2)
    broker = mosquitto_process.broker
    async with publishing(settings_for(broker, rig, answer_timeout_s=600), outbox) as publisher:
        async with ScriptedDaemon(broker, rig, always(None)) as deaf:
            await until(lambda: len(deaf.laps) == 2)
            if forgets:
                mosquitto_process.kill()
                mosquitto_process.forget()
            else:
                await asyncio.to_thread(mosquitto_process.stop)
        await until(lambda: not publisher.connected)
        await asyncio.to_thread(mosquitto_process.start)
        await until(lambda: publisher.connected)
        if forgets:
            await until(lambda: all(entry.sent == 2 for entry in outbox.entries()))
            return
        async with ScriptedDaemon(broker, rig) as daemon:
            for lap in deaf.laps:
                await daemon.answer(lap, SUCCESS)
            await until(lambda: all_stored(outbox))
    assert outbox.accounts().sent == 2


async def test_an_answer_waits_for_a_rig_that_is_away(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Its session keeps the answer, so that nothing has to be sent twice."""
    spool(outbox, 1)
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon:
        async with publishing(settings, outbox):
            await until(lambda: daemon.laps)
        await daemon.answer(daemon.laps[0], SUCCESS)
        async with publishing(settings, outbox):
            await until(lambda: all_stored(outbox))
        assert daemon.lap_numbers == [1]


async def test_a_wrong_password_is_told(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """The rig keeps trying, and says which settings to look at."""
    spool(outbox, 1)
    async with publishing(settings_for(mosquitto_broker, rig, mqtt={"password": "guessed"}), outbox) as publisher:
        await until(lambda: publisher.trouble)
        assert "RACING_COACH_MQTT__PASSWORD" in str(publisher.trouble)
    assert states(outbox) == {1: State.WAITING}


async def test_a_rig_of_another_name_is_told(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Logged in as one rig and publishing as another: refused by the broker's access list, in words."""
    settings = settings_for(mosquitto_broker, rig).model_copy(update={"rig": "rig-of-nobody"})
    async with publishing(settings, outbox) as publisher:
        await until(lambda: publisher.trouble)
        assert "not authorised" in str(publisher.trouble)


# --- laps that cannot be sent ----------------------------------------------------------------------------


async def test_a_lap_the_broker_refuses_is_kept_and_says_why(
    need_mosquitto: None, outbox: Outbox, rig: str, tmp_path: Path
) -> None:
    """A negative PUBACK is no success: the lap stays, with the reason, and goes when the broker lets it."""
    access = (MOSQUITTO_DIR / "acl").read_text()
    assert "pattern write racing-coach/v1/rigs/%u/cars/+/laps" in access
    strict = tmp_path / "acl"
    strict.write_text(access.replace("pattern write racing-coach/v1/rigs/%u/cars/+/laps", ""))
    spool(outbox, 1)
    with MosquittoProcess(settings={"acl_file": str(strict)}) as process:
        async with publishing(settings_for(process.broker, rig), outbox) as publisher:
            await until(lambda: outbox.entries()[0].trouble)
            assert "not authorised" in str(outbox.entries()[0].trouble)
            assert publisher.connected
    assert states(outbox) == {1: State.WAITING}


async def test_a_lap_larger_than_the_broker_takes_is_set_aside(need_mosquitto: None, outbox: Outbox, rig: str) -> None:
    """It would end the connection each time; the others go on."""
    large = outbox.spool(large_lap(40_000, number=1), Encoding.ARROW)
    spool(outbox, 2)
    with MosquittoProcess(settings={"max_packet_size": "30000"}) as process:
        async with ScriptedDaemon(process.broker, rig), publishing(settings_for(process.broker, rig), outbox):
            await until(lambda: states(outbox) == {1: State.REJECTED, 2: State.STORED})
    found = outbox.entry(large.seq)
    assert found is not None
    assert "raise max_packet_size" in str(found.trouble)


async def test_a_lap_whose_car_has_no_topic_is_set_aside(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A file may name its car as it likes; one that fits into no topic does not hold up the others."""
    spool(outbox, 1, car="Ferrari 296/GT3")
    spool(outbox, 2)
    async with (
        ScriptedDaemon(mosquitto_broker, rig),
        publishing(settings_for(mosquitto_broker, rig), outbox),
    ):
        await until(lambda: states(outbox) == {1: State.REJECTED, 2: State.STORED})
    assert "car 'Ferrari 296/GT3' must be" in str(outbox.entries(State.REJECTED)[0].trouble)


# --- presence --------------------------------------------------------------------------------------------


async def test_presence_is_retained(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Online while it runs, offline once it has stopped, for whoever looks whenever."""
    async with ScriptedDaemon(mosquitto_broker, rig) as before:
        async with publishing(settings_for(mosquitto_broker, rig), outbox):
            await until(lambda: before.presence[-1:] == [True])
            async with ScriptedDaemon(mosquitto_broker, rig) as meanwhile:
                await until(lambda: meanwhile.presence == [True])
        await until(lambda: before.presence[-1] is False)
        async with ScriptedDaemon(mosquitto_broker, rig) as after:
            await until(lambda: after.presence == [False])


async def test_stopping_does_not_wait_for_a_broker_that_hangs(
    mosquitto_process: MosquittoProcess, outbox: Outbox, rig: str
) -> None:
    """No goodbye to a broker that answers nothing: the rig still ends, and soon."""
    async with publishing(settings_for(mosquitto_process.broker, rig), outbox) as publisher:
        await until(lambda: publisher.connected)
        mosquitto_process.freeze()
        started = time.monotonic()
    assert time.monotonic() - started < 10
    mosquitto_process.thaw()


async def test_an_outbox_that_fails_is_told_and_tried_again(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A disk in trouble does not end the sender: it says so, goes offline, and comes back."""
    settings = settings_for(mosquitto_broker, rig)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, publishing(settings, outbox) as publisher:
        await until(lambda: publisher.connected)
        outbox.close()
        await until(lambda: publisher.trouble)
        assert "is not open" in str(publisher.trouble)
        await until(lambda: daemon.presence[-1] is False)
        outbox.open()
        spool(outbox, 1)
        await until(lambda: all_stored(outbox))


async def test_laps_of_many_sizes_all_get_through(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Forty laps from a few frames to a megabyte, with a daemon that is deaf half of the time."""
    for number in range(40):
        outbox.spool(large_lap(900_000, number=number) if number % 10 == 0 else make_lap(number=number), Encoding.ARROW)
    heard: set[int] = set()

    def script(lap: ReceivedLap) -> LapStatus | None:
        first = lap.lap_number not in heard
        heard.add(lap.lap_number)
        return None if first and lap.lap_number % 2 else SUCCESS

    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=0.5, window=8)
    async with ScriptedDaemon(mosquitto_broker, rig, script) as daemon, publishing(settings, outbox):
        await until(lambda: all_stored(outbox), 40)
    assert sorted(set(daemon.lap_numbers)) == list(range(40))
    for lap in daemon.laps:
        decode_lap(lap.delivery.payload)
    assert outbox.accounts().stored == 40
