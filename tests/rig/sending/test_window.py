"""Which laps are on their way, and when each is sent again."""

import asyncio
import itertools
import time
import uuid
from dataclasses import replace
from pathlib import Path

from tests.infra import MOSQUITTO_DIR, Broker
from tests.laps import large_lap, make_lap
from tests.rig.sending.publishing import (
    SUCCESS,
    all_stored,
    publishing,
    settings_for,
    spool,
    states,
)
from tests.scripted_daemon import TOPICS, ReceivedLap, ScriptedDaemon, always
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_core.codecs.arrow import CONTENT_TYPE
from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.messages import LapStatus
from racing_coach_rig.outbox.accounts import Accounts
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox


async def test_laps_are_sent_and_leave_when_they_are_stored(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """What waits, and what comes meanwhile, goes out once, in order, and is forgotten on `success`."""
    spool(outbox, 1, 2)
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig), outbox) as publisher,
    ):
        await eventually(lambda: all_stored(outbox))
        spool(outbox, 3)
        publisher.wake()
        await eventually(lambda: all_stored(outbox))
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
        await eventually(lambda: all_stored(outbox))
    delivery = daemon.laps[0].delivery
    assert delivery.topic == TOPICS.laps.build(rig=rig, car="porsche992rgt3")
    assert (delivery.payload, delivery.content_type, delivery.qos, delivery.retain) == (payload, CONTENT_TYPE, 1, False)
    assert delivery.correlation_data


async def test_silence_is_answered_by_sending_again_later_each_time(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """The same bytes, after one, two and four times the timeout, up to the cap, until the answer comes."""
    (entry,) = spool(outbox, 1)

    def script(_: ReceivedLap) -> LapStatus | None:
        return SUCCESS if len(daemon.laps) == 5 else None

    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=0.5, answer_timeout_cap_s=1.6)
    began = time.monotonic()
    async with ScriptedDaemon(mosquitto_broker, rig, script) as daemon, publishing(settings, outbox) as publisher:
        await eventually(lambda: all_stored(outbox))
        planned = [publisher._window._answer_timeout(replace(entry, sent=times)) for times in range(4)]
    # A busy machine makes every lap later, and none sooner.
    assert planned == [0.5, 1.0, 1.6, 1.6]
    for lap, waited in zip(daemon.laps, itertools.accumulate(planned, initial=0.0), strict=True):
        assert lap.at - began >= waited - 0.05
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
        await eventually(lambda: outbox.entries()[0].trouble)
        assert outbox.entries()[0].trouble == "no daemon is subscribed; the lap is kept and sent again"
        assert (publisher.connected, publisher.trouble) == (True, None)
        async with ScriptedDaemon(mosquitto_broker, rig):
            await eventually(lambda: all_stored(outbox))


async def test_no_more_than_a_window_is_on_its_way(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """A daemon that is busy is not buried; each answer lets one more lap go."""
    spool(outbox, *range(1, 7))
    settings = settings_for(mosquitto_broker, rig, window=2, answer_timeout_s=600)
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon, publishing(settings, outbox):
        for answered in range(6):
            sent = min(answered + 2, 6)
            await eventually(lambda sent=sent: len(daemon.laps) == sent)
            await asyncio.sleep(0.2)
            assert daemon.lap_numbers == list(range(1, sent + 1))
            await daemon.answer(daemon.laps[answered], SUCCESS)
        await eventually(lambda: all_stored(outbox))


async def test_laps_that_are_never_answered_hold_up_no_other(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """Four of them fill the window; what is driven later goes out all the same."""
    spool(outbox, *range(1, 5))
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=0.5, window=4)
    async with (
        ScriptedDaemon(mosquitto_broker, rig, lambda lap: None if lap.lap_number < 5 else SUCCESS) as daemon,
        publishing(settings, outbox) as publisher,
    ):
        await eventually(lambda: len(daemon.laps) > 8)
        spool(outbox, 5, 6)
        publisher.wake()
        await eventually(lambda: [states(outbox)[number] for number in (5, 6)] == [State.STORED] * 2)
    assert {states(outbox)[number] for number in range(1, 5)} == {State.WAITING}


async def test_a_lap_that_is_put_off_for_long_holds_no_place_for_long(
    mosquitto_broker: Broker, outbox: Outbox, rig: str
) -> None:
    """After some tries it is sent every ten minutes; its place is free after the first timeout."""
    for entry in spool(outbox, 1, 2):
        for _ in range(12):
            outbox.sent(entry.seq, again_at=0, trouble=None)
    settings = settings_for(mosquitto_broker, rig, answer_timeout_s=1, answer_timeout_cap_s=600, window=2)
    async with (
        ScriptedDaemon(mosquitto_broker, rig, lambda lap: None if lap.lap_number < 3 else SUCCESS) as daemon,
        publishing(settings, outbox) as publisher,
    ):
        await eventually(lambda: sorted(daemon.lap_numbers) == [1, 2])
        spool(outbox, 3)
        publisher.wake()
        await eventually(lambda: states(outbox)[3] is State.STORED)


async def test_laps_that_the_broker_refuses_hold_no_place(
    need_mosquitto: None, outbox: Outbox, rig: str, tmp_path: Path
) -> None:
    """One car that the access list does not know does not hold up the other."""
    access = (MOSQUITTO_DIR / "acl").read_text()
    strict = tmp_path / "acl"
    strict.write_text(access.replace("/rigs/%u/cars/+/laps", "/rigs/%u/cars/known/laps"))
    spool(outbox, 1, 2, car="unknown")
    spool(outbox, 3, car="known")
    with MosquittoProcess(settings={"acl_file": str(strict)}) as process:
        settings = settings_for(process.broker, rig, window=1, answer_timeout_s=600)
        async with ScriptedDaemon(process.broker, rig), publishing(settings, outbox):
            await eventually(lambda: states(outbox)[3] is State.STORED)
    assert states(outbox) == {1: State.WAITING, 2: State.WAITING, 3: State.STORED}


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
        await eventually(lambda: all_stored(outbox))
    # With ten waiting the newest session goes first; from eight on it is the order of driving.
    assert daemon.lap_numbers == [101, 102, *range(1, 9)]


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
            await eventually(lambda: outbox.entries()[0].trouble)
            assert "not authorised" in str(outbox.entries()[0].trouble)
            assert publisher.connected
    assert states(outbox) == {1: State.WAITING}


async def test_a_lap_larger_than_the_broker_takes_is_set_aside(need_mosquitto: None, outbox: Outbox, rig: str) -> None:
    """It would end the connection each time; the others go on."""
    large = outbox.spool(large_lap(40_000, number=1), Encoding.ARROW)
    spool(outbox, 2)
    with MosquittoProcess(settings={"max_packet_size": "30000"}) as process:
        async with ScriptedDaemon(process.broker, rig), publishing(settings_for(process.broker, rig), outbox):
            await eventually(lambda: states(outbox) == {1: State.REJECTED, 2: State.STORED})
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
        await eventually(lambda: states(outbox) == {1: State.REJECTED, 2: State.STORED})
    assert "car 'Ferrari 296/GT3' must be" in str(outbox.entries(State.REJECTED)[0].trouble)


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
        await eventually(lambda: all_stored(outbox))
    assert sorted(set(daemon.lap_numbers)) == list(range(40))
    for lap in daemon.laps:
        decode_lap(lap.delivery.payload)
    assert outbox.accounts().stored == 40
