"""How a connection is made and how it ends, held against real brokers."""

import asyncio
import contextlib
import uuid
from typing import Any

import psutil
import pytest
from tests.core.mqtt.support import (
    DISCONNECT,
    RIG,
    TOPICS,
    connection,
    nothing_comes,
    receive,
    scripted_broker,
)
from tests.infra import DAEMON, Broker
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import (
    BrokerRefusedError,
    ConnectionLostError,
    SessionTakenOverError,
)
from racing_coach_core.mqtt.will import Will
from racing_coach_core.settings import MqttSettings
from racing_coach_demo.processes import LOOPBACK, free_port


@pytest.mark.parametrize(
    "login", [{"password": "guessed"}, {"username": "nobody"}, {"username": None, "password": None}]
)
async def test_a_wrong_login_is_told_with_what_to_check(mosquitto_broker: Broker, login: dict[str, Any]) -> None:
    """Wrong password, unknown user or none: refused at once, naming the variables, and what is not set at all."""
    with pytest.raises(BrokerRefusedError, match=r"_MQTT__USERNAME.*_MQTT__PASSWORD") as raised:
        async with connection(mosquitto_broker, RIG, fields=login):
            pass
    assert raised.value.what == f"the connection at {mosquitto_broker.host}:{mosquitto_broker.port}"
    assert ("and no password" in str(raised.value)) == ("password" in login and login["password"] is None)
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
            async with (
                asyncio.timeout(TIMEOUT_S),
                Connection(MqttSettings(port=port, timeout_s=5 * TIMEOUT_S), client_id="x"),
            ):
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
            async with asyncio.timeout(TIMEOUT_S), Connection(MqttSettings(port=port, timeout_s=0.5), client_id="x"):
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
    await eventually(lambda: all(task.get_name() != "mqtt keepalive" for task in asyncio.all_tasks()))
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

        with pytest.raises(ConnectionLostError, match="the connection to the broker ended: the broker hung up"):
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
    async with connection(mosquitto_broker, rig_name, clean=True) as later:
        await later.publish(status, b"", retain=True)  # no other test is to find it


@pytest.mark.parametrize("farewell", [[], [bytes([DISCONNECT, 1, 0x8E])]], ids=["hangs up", "says why"])
async def test_a_broker_that_goes_at_once_is_noticed(farewell: list[bytes]) -> None:
    """Between CONNACK and our next step: the connection does not count as alive."""
    for _ in range(20):
        async with scripted_broker(*farewell) as unconnected:
            with pytest.raises(ConnectionLostError):
                async with unconnected as gone:
                    await receive(gone)


async def test_after_an_unsubscribe_only_what_was_given_already_comes(mosquitto_broker: Broker) -> None:
    """What the broker had for us it still sends as we acknowledge; what is published later is not for us."""
    topic = TOPICS.laps.build(rig=RIG, car=uuid.uuid4().hex)
    group = f"$share/{uuid.uuid4().hex}/{topic}"
    async with (
        connection(mosquitto_broker, RIG) as rig,
        connection(mosquitto_broker, DAEMON, receive_maximum=1, clean=True) as daemon,
    ):
        await daemon.subscribe([group])
        for number in range(3):
            await rig.publish(topic, b"%d" % number)

        await daemon.unsubscribe([group])
        await rig.publish(topic, b"late")

        came = []
        for _ in range(3):
            delivery = await receive(daemon)
            came.append(delivery.payload)
            delivery.acknowledge()
            delivery.release()
        assert came == [b"0", b"1", b"2"]
        assert await nothing_comes(daemon)


async def test_an_unsubscribe_without_an_answer_is_told(mosquitto_process: MosquittoProcess) -> None:
    """A broker that says nothing more is not waited for any longer than for a subscription."""
    async with connection(mosquitto_process.broker, DAEMON, clean=True, fields={"timeout_s": 0.5}) as daemon:
        mosquitto_process.freeze()
        try:
            with pytest.raises(ConnectionLostError, match="could not unsubscribe"):
                await daemon.unsubscribe(["some/topic"])
        finally:
            mosquitto_process.thaw()
