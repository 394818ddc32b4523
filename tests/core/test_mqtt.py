"""The one adapter to MQTT, held against real brokers: what delivery needs of aiomqtt and paho, behaviour by behaviour."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.infra import DAEMON, Broker, MosquittoProcess

from racing_coach_core.exceptions import Fault
from racing_coach_core.mqtt import (
    BrokerRefusedError,
    Connection,
    ConnectionLostError,
    Delivery,
    HeldBytes,
    PacketTooLargeError,
    PublishRefusedError,
    ReceiveBudget,
    SessionTakenOverError,
    Will,
)
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import Topics
from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_demo.processes import LOOPBACK, free_port

RIG = "rig-1"
TOPICS = Topics()
MIB = 2**20


def settings_for(broker: Broker, user: str, **fields: Any) -> MqttSettings:
    credentials = broker.credentials(user)
    login = {"username": credentials.username, "password": credentials.password} if credentials else {}
    return MqttSettings.model_validate({"host": broker.host, "port": broker.port, **login, **fields})


def connection(broker: Broker, user: str, *, fields: dict[str, Any] | None = None, **options: Any) -> Connection:
    """A connection with a client id of its own, and so a session, unless told which."""
    options = {"client_id": f"{user}-{uuid.uuid4().hex}", **options}
    return Connection(settings_for(broker, user, **(fields or {})), **options)


async def receive(receiver: Connection, timeout_s: float = 15) -> Delivery:
    async with asyncio.timeout(timeout_s):
        return await anext(receiver.deliveries())


async def caught_up(daemon: Connection) -> None:
    """The broker has read all that the daemon sent; it may see a next connection before the end of this one."""
    await daemon.publish(TOPICS.heartbeat.build(instance="x"), b"x")


async def nothing_comes(receiver: Connection, within_s: float = 0.5) -> bool:
    try:
        await receive(receiver, within_s)
    except TimeoutError:
        return True
    return False


async def eventually(check: Callable[[], bool], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not check():
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def embedded_broker() -> Iterator[Broker]:
    with EmbeddedBroker() as running:
        yield Broker(running.host, running.port, "embedded", "rumqttd")


@pytest.fixture(params=["mosquitto", "embedded"])
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """Both brokers, one after the other."""
    found: Broker = request.getfixturevalue(f"{request.param}_broker")
    return found


@pytest.fixture
def topic() -> str:
    """A topic of this test alone, which the rig may write and the daemon read."""
    return TOPICS.laps.build(rig=RIG, car=uuid.uuid4().hex)


@pytest.fixture
async def rig(any_broker: Broker) -> AsyncIterator[Connection]:
    async with connection(any_broker, RIG, clean=True) as connected:
        yield connected


# --- acknowledging, and sessions -------------------------------------------------------------------------


async def test_what_is_not_acknowledged_comes_again(any_broker: Broker, rig: Connection, topic: str) -> None:
    """On the next connection, marked as a duplicate, and never after it was acknowledged."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as first:
        await first.subscribe([topic])
        assert not first.session_present
        await rig.publish(topic, b"a lap")
        taken = await receive(first)
        assert (taken.topic, taken.payload, taken.qos, taken.duplicate) == (topic, b"a lap", 1, False)
        assert await nothing_comes(first)
    async with connection(any_broker, DAEMON, client_id=client_id) as second:
        assert second.session_present
        again = await receive(second)
        assert (again.topic, again.payload) == (topic, b"a lap")
        assert again.duplicate or any_broker.kind == "embedded"  # rumqttd does not say so
        again.acknowledge()
        await caught_up(second)
    async with connection(any_broker, DAEMON, client_id=client_id) as third:
        assert third.session_present
        assert await nothing_comes(third)


async def test_a_session_outlives_its_connection(any_broker: Broker, rig: Connection, topic: str) -> None:
    """What was published while the client was gone waits for it, although it vanished without a word."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
        daemon.abort()
    await rig.publish(topic, b"1")
    await rig.publish(topic, b"2")
    async with connection(any_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
        assert daemon.session_present
        assert [(await receive(daemon)).payload for _ in range(2)] == [b"1", b"2"]


async def test_a_clean_connection_leaves_nothing_behind(any_broker: Broker, topic: str) -> None:
    """A look at the broker makes no session."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id, clean=True) as daemon:
        await daemon.subscribe([topic])
    async with connection(any_broker, DAEMON, client_id=client_id) as daemon:
        assert not daemon.session_present


async def test_acknowledgements_belong_to_their_connection(any_broker: Broker, rig: Connection, topic: str) -> None:
    """On another connection a PUBACK would hit another message, so it is refused, and so is one on a dead one."""
    client_id = uuid.uuid4().hex
    async with connection(any_broker, DAEMON, client_id=client_id) as first:
        await first.subscribe([topic])
        await rig.publish(topic, b"a lap")
        old = await receive(first)
    with pytest.raises(ConnectionLostError, match="is gone"):
        old.acknowledge()
    async with connection(any_broker, DAEMON, client_id=client_id) as second:
        with pytest.raises(ConnectionLostError, match="is gone"):
            second.acknowledge(old.receipt)
        (await receive(second)).acknowledge()


async def test_several_are_acknowledged_in_any_order(mosquitto_broker: Broker, topic: str) -> None:
    """Each PUBACK is for its own message: the one left out is the one that comes again."""
    client_id = uuid.uuid4().hex
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        async with connection(mosquitto_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
            await daemon.subscribe([topic])
            for number in range(5):
                await rig.publish(topic, b"%d" % number)
            taken = [await receive(daemon) for _ in range(5)]
            assert (daemon.unacknowledged, daemon.most_unacknowledged) == (5, 5)
            for index in (4, 0, 3, 1):
                taken[index].acknowledge()
            assert daemon.unacknowledged == 1
            await caught_up(daemon)
        async with connection(mosquitto_broker, DAEMON, client_id=client_id, receive_maximum=10) as daemon:
            assert (await receive(daemon)).payload == b"2"
            assert await nothing_comes(daemon)


async def test_subscribing_again_keeps_the_queue(mosquitto_broker: Broker, topic: str) -> None:
    """SUBSCRIBE goes out on every connection, also when the session is there; what waits is delivered once."""
    client_id = uuid.uuid4().hex
    async with connection(mosquitto_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        await rig.publish(topic, b"a lap")
    async with connection(mosquitto_broker, DAEMON, client_id=client_id) as daemon:
        await daemon.subscribe([topic])
        (await receive(daemon)).acknowledge()
        assert await nothing_comes(daemon)


# --- what a message carries ------------------------------------------------------------------------------


async def test_properties_arrive(any_broker: Broker, rig: Connection, topic: str) -> None:
    """Content type, response topic and correlation data, each None where it is not set."""
    async with connection(any_broker, DAEMON, receive_maximum=10) as daemon:
        await daemon.subscribe([topic])
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/json"
        properties.ResponseTopic = "racing-coach/v1/acks/rig-1/x"
        properties.CorrelationData = b"\x00\xff"
        await rig.publish(topic, b"with", properties=properties)
        await rig.publish(topic, b"without")
        full, bare = await receive(daemon), await receive(daemon)
    assert full.content_type == "application/json"
    assert full.response_topic == "racing-coach/v1/acks/rig-1/x"
    assert full.correlation_data == b"\x00\xff"
    assert (bare.content_type, bare.response_topic, bare.correlation_data, bare.retain) == (None, None, None, False)


async def test_a_lap_of_16_mib_goes_through(any_broker: Broker, rig: Connection, topic: str) -> None:
    """Large messages are read in pieces, and come out whole."""
    payload = uuid.uuid4().bytes * (16 * MIB // 16)
    async with connection(any_broker, DAEMON) as daemon:
        await daemon.subscribe([topic])
        await rig.publish(topic, payload)
        assert (await receive(daemon)).payload == payload


async def test_reading_a_large_message_leaves_time_for_others(mosquitto_broker: Broker, topic: str) -> None:
    """The event loop is not held up by tens of megabytes that arrive."""
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, receive_maximum=10) as daemon,
    ):
        await daemon.subscribe([topic])
        await rig.publish(topic, bytes(16 * MIB))
        longest, stop = 0.0, False

        async def watch() -> None:
            nonlocal longest
            while not stop:
                before = time.perf_counter()
                await asyncio.sleep(0.001)
                longest = max(longest, time.perf_counter() - before)

        watching = asyncio.create_task(watch())
        await receive(daemon)
        stop = True
        await watching
    assert longest < 0.25  # some 20 ms alone on a machine


async def test_retained_messages_say_so(mosquitto_broker: Broker) -> None:
    """A status that waited at the broker is told from one that is new."""
    status = TOPICS.rig_status.build(rig=RIG)
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        await rig.publish(status, b"online", retain=True)
        async with connection(mosquitto_broker, DAEMON, clean=True) as daemon:
            await daemon.subscribe([status])
            assert (await receive(daemon)).retain
        await rig.publish(status, b"", retain=True)


# --- publishing ------------------------------------------------------------------------------------------


async def test_a_refused_message_is_an_error(mosquitto_broker: Broker) -> None:
    """PUBACK 0x87, which paho takes for success, is told, in words, and the connection goes on."""
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        with pytest.raises(PublishRefusedError, match="not authorised") as raised:
            await rig.publish(TOPICS.laps.build(rig="rig-2", car="x"), b"forged")
        assert (raised.value.code, raised.value.fault) == (0x87, Fault.WORLD)
        assert rig.alive
        await rig.publish(TOPICS.laps.build(rig=RIG, car="x"), b"own")


async def test_whether_anybody_is_subscribed(mosquitto_broker: Broker, topic: str) -> None:
    """PUBACK 0x10 says that nobody gets the message; a session that is away counts as somebody."""
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        assert await rig.publish(topic, b"for nobody") is False
        async with connection(mosquitto_broker, DAEMON) as daemon:
            await daemon.subscribe([topic])
            assert await rig.publish(topic, b"for the daemon") is True
        assert await rig.publish(topic, b"for the daemon, later") is True


async def test_many_at_once_get_each_its_own_answer(mosquitto_broker: Broker, topic: str) -> None:
    """A hundred messages under way, some refused: every caller learns what became of its own."""
    forged = TOPICS.laps.build(rig="rig-2", car="x")
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        found = await asyncio.gather(
            *(rig.publish(forged if number % 3 == 0 else topic, b"x" * number) for number in range(100)),
            return_exceptions=True,
        )
    for number, outcome in enumerate(found):
        assert isinstance(outcome, PublishRefusedError) if number % 3 == 0 else outcome is False


async def test_a_packet_the_broker_would_not_take_is_never_sent(need_mosquitto: None) -> None:
    """The limit of the CONNACK is kept to, so that one lap too large does not end the connection of all."""
    with MosquittoProcess(settings={"max_packet_size": "20000"}) as process:
        async with connection(process.broker, RIG, clean=True) as rig:
            assert rig.maximum_packet_size == 20_000
            lap = TOPICS.laps.build(rig=RIG, car="x")
            with pytest.raises(PacketTooLargeError, match="max_packet_size") as raised:
                await rig.publish(lap, bytes(20_000))
            assert (raised.value.limit, raised.value.fault) == (20_000, Fault.SENDER)
            await rig.publish(lap, bytes(18_000))


async def test_no_puback_is_an_error_in_time(mosquitto_process: MosquittoProcess) -> None:
    """A broker that answers nothing more ends the wait, and the connection, after the timeout."""
    async with connection(mosquitto_process.broker, RIG, fields={"timeout_s": 0.5}) as rig:
        mosquitto_process.freeze()
        with pytest.raises(ConnectionLostError, match=r"no PUBACK for .* within 0.5 s"):
            await rig.publish(TOPICS.rig_status.build(rig=RIG), b"x")
        assert not rig.alive
        mosquitto_process.thaw()


# --- the end of a connection -----------------------------------------------------------------------------


async def test_a_broker_that_goes_away_ends_everything_that_waits(mosquitto_process: MosquittoProcess) -> None:
    """Iterating, publishing, acknowledging and subscribing say that the connection is lost."""
    topic = TOPICS.laps.build(rig=RIG, car="x")
    async with connection(mosquitto_process.broker, RIG) as rig, connection(mosquitto_process.broker, DAEMON) as daemon:
        await daemon.subscribe([topic])
        await rig.publish(topic, b"a lap")
        taken = await receive(daemon)
        waiting = asyncio.create_task(receive(daemon))
        ended = asyncio.create_task(daemon.ended())
        await asyncio.sleep(0.05)

        mosquitto_process.kill()

        with pytest.raises(ConnectionLostError, match="the connection to the broker ended"):
            await waiting
        assert isinstance(await ended, ConnectionLostError)
        assert not daemon.alive
        with pytest.raises(ConnectionLostError):
            taken.acknowledge()
        with pytest.raises(ConnectionLostError):
            await daemon.publish(topic, b"x")
        with pytest.raises(ConnectionLostError):
            await daemon.subscribe([topic])


async def test_a_second_client_with_the_same_id_is_told_apart(mosquitto_broker: Broker) -> None:
    """The one that is thrown out learns that it is no outage, and which setting to look at.

    mosquitto 2.0.11 hangs up without a DISCONNECT, and so without a reason: there it is a lost connection.
    """
    told = mosquitto_broker.version != "2.0.11"
    expected = SessionTakenOverError if told else ConnectionLostError
    client_id = uuid.uuid4().hex
    async with (
        connection(mosquitto_broker, DAEMON, client_id=client_id) as first,
        connection(mosquitto_broker, DAEMON, client_id=client_id) as second,
    ):
        with pytest.raises(expected, match="RACING_COACH_MQTT__CLIENT_ID" if told else "ended") as raised:
            await receive(first)
        assert type(raised.value) is expected
        with pytest.raises(expected):
            await first.publish(TOPICS.heartbeat.build(instance="x"), b"x")
        assert second.alive


@pytest.mark.parametrize("leave", ["abort", "disconnect"])
async def test_the_will_is_for_those_who_vanish(mosquitto_broker: Broker, leave: str) -> None:
    """Published, and retained, when a client is gone without a word, and not when it said goodbye."""
    rig_name = "rig-8" if leave == "abort" else "rig-9"
    status = TOPICS.rig_status.build(rig=rig_name)
    async with connection(mosquitto_broker, rig_name, clean=True) as earlier:
        await earlier.publish(status, b"", retain=True)  # what another test may have left
    async with connection(mosquitto_broker, DAEMON, clean=True, receive_maximum=10) as daemon:
        await daemon.subscribe([status])
        rig = connection(mosquitto_broker, rig_name, will=Will(topic=status, payload=b"gone"))
        async with rig:
            await rig.publish(status, b"here")
            if leave == "abort":
                rig.abort()
        assert (await receive(daemon)).payload == b"here"
        if leave == "abort":
            assert (await receive(daemon)).payload == b"gone"
        else:
            assert await nothing_comes(daemon)


@asynccontextmanager
async def scripted_broker(*packets: bytes) -> AsyncIterator[Connection]:
    """A connection, not yet entered, to what says CONNACK, then these packets, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bytes([0x20, 3, 0, 0, 0]) + b"".join(packets))
        await writer.drain()
        if not packets or packets[-1][0] == DISCONNECT:
            writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Connection(MqttSettings(host=LOOPBACK, port=port), client_id="x", receive_maximum=4)


DISCONNECT = 0xE0


def published(packet_id: int, topic: bytes, payload: bytes, *, qos: int) -> bytes:
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + b"\0" + payload
    return bytes([0x30 | qos << 1, len(body)]) + body


async def test_a_broker_that_sends_qos_2_is_left() -> None:
    """We ask for QoS 1; what comes otherwise is not acknowledged, and so not lost."""
    two = published(1, b"t/a", b"payload of A", qos=2) + published(2, b"t/b", b"payload of B", qos=2)
    async with scripted_broker(two) as unconnected, unconnected as left:
        with pytest.raises(ConnectionLostError):
            await receive(left)


async def test_a_packet_that_is_no_publish_ends_the_connection() -> None:
    """Properties longer than the packet."""
    async with scripted_broker(bytes([0x32, 6, 0, 1]) + b"t" + bytes([0, 1, 9])) as unconnected, unconnected as left:
        with pytest.raises(ConnectionLostError):
            await receive(left)


@pytest.mark.parametrize("farewell", [[], [bytes([DISCONNECT, 1, 0x8E])]], ids=["hangs up", "says why"])
async def test_a_broker_that_goes_at_once_is_noticed(farewell: list[bytes]) -> None:
    """Between CONNACK and our next step: the connection does not count as alive."""
    for _ in range(20):
        async with scripted_broker(*farewell) as unconnected:
            with pytest.raises(ConnectionLostError):
                async with unconnected as gone:
                    await receive(gone, 5)


# --- getting a connection --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login", [{"password": "guessed"}, {"username": "nobody"}, {"username": None, "password": None}]
)
async def test_a_wrong_login_is_told_with_what_to_check(mosquitto_broker: Broker, login: dict[str, Any]) -> None:
    """Wrong password, unknown user or none: refused at once, naming the variables."""
    with pytest.raises(BrokerRefusedError, match="RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD") as raised:
        async with connection(mosquitto_broker, RIG, fields=login):
            pass
    assert raised.value.what == "the connection"
    assert raised.value.code in {0x86, 0x87}


async def test_nobody_there_is_told_with_the_address() -> None:
    """Where no broker listens the error says where that was."""
    port = free_port()
    with pytest.raises(ConnectionLostError, match=f"no connection to the broker at {LOOPBACK}:{port}"):
        async with Connection(MqttSettings(port=port), client_id="x"):
            pass


async def test_a_server_that_hangs_up_is_told_at_once() -> None:
    """Something else than an MQTT broker on the port does not cost the whole timeout."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, LOOPBACK, port := free_port())
    async with server:
        with pytest.raises(ConnectionLostError):
            async with asyncio.timeout(5), Connection(MqttSettings(port=port), client_id="x"):
                pass


async def test_a_server_that_says_nothing_is_told_after_the_timeout() -> None:
    """A port that takes connections and no more."""
    done = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, LOOPBACK, port := free_port())
    async with server:
        with pytest.raises(ConnectionLostError):
            async with asyncio.timeout(5), Connection(MqttSettings(port=port, timeout_s=0.5), client_id="x"):
                pass
        done.set()


async def test_giving_up_on_a_connection_leaves_none(mosquitto_broker: Broker) -> None:
    """Cancelled at whichever moment of connecting: no socket lives on in the background, and nothing is complained of."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    for number in range(40):
        connecting = asyncio.create_task(connection(mosquitto_broker, DAEMON, clean=True).__aenter__())
        await asyncio.sleep(number * 0.0003)
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await connecting).__aexit__()
    await eventually(lambda: not sockets_to(mosquitto_broker))
    await eventually(lambda: all(task.get_name() != "mqtt keepalive" for task in asyncio.all_tasks()), 3)
    assert complaints == []


def sockets_to(broker: Broker) -> list[Any]:
    return [
        found
        for found in psutil.Process().net_connections("tcp")
        if found.status == psutil.CONN_ESTABLISHED and found.raddr.port == broker.port
    ]


@pytest.mark.parametrize("bad", ["a/#/b", "", "a+"])
async def test_a_filter_that_is_none_is_refused(mosquitto_broker: Broker, bad: str) -> None:
    """A wrong subscription is an error of the broker's kind, which the daemon reports, and not a crash."""
    async with connection(mosquitto_broker, DAEMON, clean=True) as daemon:
        with pytest.raises((BrokerRefusedError, ConnectionLostError, ValueError)):
            await daemon.subscribe([bad])


# --- bounded memory --------------------------------------------------------------------------------------


async def test_reading_stops_at_the_budget_and_goes_on_with_room(
    any_broker: Broker, rig: Connection, topic: str
) -> None:
    """Whatever the broker has to give, no more than the budget is held, and every message comes in the end."""
    count, size = 40, MIB
    budget = ReceiveBudget(messages=64, bytes=5 * MIB)
    held = HeldBytes()
    async with connection(any_broker, DAEMON, receive_maximum=65_535, budget=budget, held=held) as daemon:
        await daemon.subscribe([topic])
        sending = asyncio.create_task(_publish_all(rig, topic, count, size))
        await eventually(lambda: held.bytes >= budget.bytes)
        await asyncio.sleep(0.5)
        assert held.bytes == budget.bytes  # nothing was released, and nothing more was read

        seen: list[int] = []
        most = 0
        async with asyncio.timeout(30):
            async for delivery in daemon.deliveries():
                seen.append(int.from_bytes(delivery.payload[:4]))
                most = max(most, held.bytes)
                delivery.acknowledge()
                delivery.release()
                if len(seen) == count:
                    break
        await sending
    assert seen == list(range(count))
    assert most <= budget.bytes
    assert (held.messages, held.bytes) == (0, 0)


async def _publish_all(rig: Connection, topic: str, count: int, size: int) -> None:
    for number in range(count):
        await rig.publish(topic, number.to_bytes(4) + bytes(size - 4))


async def test_many_small_messages_have_a_budget_too(any_broker: Broker, rig: Connection, topic: str) -> None:
    """The number of messages counts by itself, also while publishes of our own are under way."""
    held = HeldBytes()
    options = {"receive_maximum": 65_535, "budget": ReceiveBudget(messages=10), "held": held}
    async with connection(any_broker, DAEMON, **options) as daemon:
        await daemon.subscribe([topic])
        beats = [asyncio.create_task(daemon.publish(TOPICS.heartbeat.build(instance="x"), b"x")) for _ in range(50)]
        await asyncio.gather(*(rig.publish(topic, b"x") for _ in range(200)))
        await eventually(lambda: held.messages >= 10)
        await asyncio.sleep(0.2)
        assert held.messages == 10
        taken = 0
        async with asyncio.timeout(15):
            async for delivery in daemon.deliveries():
                assert held.messages <= 10
                delivery.acknowledge()
                delivery.release()
                if (taken := taken + 1) == 200:
                    break
        await asyncio.gather(*beats)
    assert (held.messages, held.bytes) == (0, 0)


async def test_a_paused_connection_stays_alive(mosquitto_broker: Broker, topic: str) -> None:
    """Neither end gives it up although nothing is read for longer than the broker waits for a keepalive."""
    fields = {"keepalive_s": 5}
    budget = ReceiveBudget(messages=1)
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, fields=fields, budget=budget, receive_maximum=10) as daemon,
    ):
        await daemon.subscribe([topic])
        for number in range(3):
            await rig.publish(topic, b"%d" % number * MIB)
        held = await receive(daemon)
        await asyncio.sleep(9)  # the broker gives up after one and a half times the keepalive
        assert daemon.alive
        held.acknowledge()
        held.release()
        following = await receive(daemon)
        assert following.payload[:1] == b"1"
        assert not following.duplicate
        following.acknowledge()


async def test_the_budget_holds_across_connections(mosquitto_broker: Broker, topic: str) -> None:
    """What an earlier connection still holds counts, and room made there lets the next one read on."""
    held = HeldBytes()
    client_id = uuid.uuid4().hex
    options = {"client_id": client_id, "budget": ReceiveBudget(messages=1), "held": held, "receive_maximum": 10}
    async with connection(mosquitto_broker, RIG, clean=True) as rig:
        async with connection(mosquitto_broker, DAEMON, **options) as first:
            await first.subscribe([topic])
            await rig.publish(topic, b"1")
            await rig.publish(topic, b"2")
            slow = await receive(first)
        async with connection(mosquitto_broker, DAEMON, **options) as second:
            again = await receive(second)  # one is always read, or nothing would ever move
            assert held.messages == 2
            assert await nothing_comes(second)
            again.release()
            assert await nothing_comes(second)
            slow.release()
            assert (await receive(second)).payload == b"2"


async def test_giving_up_on_a_message_loses_no_budget(mosquitto_broker: Broker, topic: str) -> None:
    """Whoever stops iterating, at whichever moment, leaves nothing accounted that nobody holds."""
    held = HeldBytes()
    async with (
        connection(mosquitto_broker, RIG, clean=True) as rig,
        connection(mosquitto_broker, DAEMON, held=held, receive_maximum=100) as daemon,
    ):
        await daemon.subscribe([topic])
        for number in range(30):
            waiting = asyncio.create_task(anext(daemon.deliveries()))
            sending = asyncio.create_task(rig.publish(topic, b"x"))
            for _ in range(number):
                await asyncio.sleep(0.0002)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                (await waiting).release()
            await sending
        await asyncio.sleep(0.2)
        daemon.drop_waiting()
        assert (held.messages, held.bytes) == (0, 0)


# --- TLS -------------------------------------------------------------------------------------------------


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate authority, a broker's certificate and a client's."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    home = tmp_path_factory.mktemp("tls")
    ca = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    ca += ["-addext", "keyUsage=critical,keyCertSign"]  # Python 3.13 insists on it
    _openssl("req", *ca, "-keyout", f"{home}/ca.key", "-out", f"{home}/ca.crt", "-subj", "/CN=tests")
    for name in ("broker", RIG):
        request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}"]
        _openssl("req", *request, "-keyout", f"{home}/{name}.key", "-out", f"{home}/{name}.csr")
        (home / "san").write_text("subjectAltName=IP:127.0.0.1")
        signing = ["-CA", f"{home}/ca.crt", "-CAkey", f"{home}/ca.key", "-CAcreateserial", "-days", "2"]
        _openssl(
            "x509",
            "-req",
            "-in",
            f"{home}/{name}.csr",
            *signing,
            "-extfile",
            f"{home}/san",
            "-out",
            f"{home}/{name}.crt",
        )
    return home


@pytest.fixture
def tls_broker(need_mosquitto: None, authority: Path) -> Iterator[Broker]:
    settings = {
        "certfile": str(authority / "broker.crt"),
        "keyfile": str(authority / "broker.key"),
        "cafile": str(authority / "ca.crt"),
    }
    with MosquittoProcess(settings=settings) as process:
        yield process.broker


async def test_tls_with_an_authority_of_ones_own(tls_broker: Broker, authority: Path) -> None:
    """Messages go through, and what TLS had decrypted while reading was paused is not forgotten."""
    fields = {"tls": {"ca_file": str(authority / "ca.crt")}}
    topic = TOPICS.laps.build(rig=RIG, car="x")
    budget = ReceiveBudget(messages=2)
    async with (
        connection(tls_broker, RIG, fields=fields) as rig,
        connection(tls_broker, DAEMON, fields=fields, budget=budget, receive_maximum=100) as daemon,
    ):
        await daemon.subscribe([topic])
        payloads = [b"%d" % number * size for number, size in enumerate((1, 1, 1, 100, 1, 3 * MIB, 1, 1, 20_000, 1))]
        sending = asyncio.gather(*(rig.publish(topic, payload) for payload in payloads))
        await asyncio.sleep(0.5)
        received = []
        for _ in payloads:
            delivery = await receive(daemon)
            received.append(delivery.payload)
            delivery.acknowledge()
            delivery.release()
        await sending
    assert received == payloads


async def test_a_broker_of_another_authority_is_not_trusted(tls_broker: Broker) -> None:
    """With the system's authorities alone the connection is refused, and the reason told."""
    with pytest.raises(ConnectionLostError, match=r"(?i)certificate verify failed"):
        async with connection(tls_broker, RIG, fields={"tls": {"enabled": True}}):
            pass


async def test_plain_text_to_a_tls_port_is_told_at_once(tls_broker: Broker) -> None:
    """A client that forgot TLS is hung up on, and says so."""
    with pytest.raises(ConnectionLostError):
        async with asyncio.timeout(5), connection(tls_broker, RIG):
            pass


def test_the_tls_context_follows_the_settings(authority: Path) -> None:
    """No field, no TLS; a client certificate is loaded with its key."""
    from racing_coach_core.settings import TlsSettings

    assert TlsSettings().context() is None
    context = TlsSettings(
        ca_file=authority / "ca.crt", cert_file=authority / f"{RIG}.crt", key_file=authority / f"{RIG}.key"
    ).context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
