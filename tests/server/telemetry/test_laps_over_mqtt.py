"""What MQTT adds to a lap: properties, Response Topics, content types, and odd ones of each."""

import asyncio
import json
import random
import string
import uuid
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from tests.clients import TOPICS, User
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import CAR, LapClient
from tests.server.support import (
    ENCODERS,
    Stored,
    arrow,
    as_json,
    new_lap,
)
from tests.waiting import TIMEOUT_S

from racing_coach_core.identity import payload_sha256

pytestmark = pytest.mark.usefixtures("shared_daemon")


async def test_an_mqtt_3_1_1_client_is_served_alike(broker: Broker, shared_stored: Stored) -> None:
    """The four encodings over MQTT 3.1.1, plain paho: `success`, then `duplicate`, on the rig's own topic."""
    if broker.kind == "embedded":
        pytest.skip("rumqttd listens for MQTT 5 only, as the demo has it")
    lap = new_lap()
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    subscribed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        loop.call_soon_threadsafe(answers.put_nowait, json.loads(message.payload))

    client = Client(CallbackAPIVersion.VERSION2, f"rig-2-{uuid.uuid4().hex}", protocol=MQTTv311)
    client.on_message = heard
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(subscribed.set)
    if credentials := broker.credentials("rig-2"):
        client.username_pw_set(credentials.username, credentials.password)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        client.subscribe(TOPICS.lap_answers.build(rig="rig-2", car=CAR), qos=1)
        await asyncio.wait_for(subscribed.wait(), TIMEOUT_S)
        statuses = []
        for encode in ENCODERS.values():
            client.publish(TOPICS.laps.build(rig="rig-2", car=CAR), encode(lap), qos=1)
            answer = await asyncio.wait_for(answers.get(), TIMEOUT_S)
            assert answer["lap_id"] == str(lap.lap_id)
            statuses.append(answer["status"])
    finally:
        client.disconnect()
        client.loop_stop()

    assert statuses == ["success", "duplicate", "duplicate", "duplicate"]
    assert (await shared_stored.session(lap.session.session_id))["rig_id"] == "rig-2"


async def test_correlation_data_is_echoed_and_a_response_topic_of_the_rig_is_used(rig: LapClient) -> None:
    """Below acks/{rig}/ of the same rig the answer goes where it is asked for."""
    wanted = f"{TOPICS.answers_below('rig-1')}somewhere/else"

    for payload in (arrow(new_lap()), b"no lap"):
        answer = await rig.send(payload, response_topic=wanted, correlation_data=b"\x00\xff lap 7")

        assert answer.topic == wanted
        assert answer.correlation_data == b"\x00\xff lap 7"


@pytest.mark.parametrize(
    "wanted",
    [
        TOPICS.lap_answers.build(rig="rig-2", car=CAR),
        TOPICS.heartbeat.build(instance="forged"),
        TOPICS.laps.build(rig="rig-1", car=CAR),
        "racing-coach/v1/acks/rig-1",
        "racing-coach/v1/acks/rig-10/cars/x/laps",
        # mosquitto passes these on, and hangs up on whoever publishes there.
        pytest.param(TOPICS.answers_below("rig-1") + "a/" * 300, id="300 levels"),
        pytest.param(TOPICS.answers_below("rig-1") + "a" * 60_000, id="60,000 characters"),
        pytest.param(TOPICS.answers_below("rig-1") + "\ufeff", id="a character that paho refuses"),
    ],
)
async def test_a_response_topic_elsewhere_is_not_honoured(rig: LapClient, broker: Broker, wanted: str) -> None:
    """A rig cannot have the daemon publish where the rig itself may not: it is answered in its own place."""
    async with LapClient(broker, "rig-2") as other:
        payload = arrow(new_lap())
        answer = await rig.send(payload, response_topic=wanted, correlation_data=b"x")

        assert answer.topic == TOPICS.lap_answers.build(rig="rig-1", car=CAR)
        assert answer.correlation_data == b"x"
        assert not other.has_answer(payload_sha256(payload))


@pytest.mark.parametrize("letters", [1_900, 3_000, 60_000])
async def test_a_long_topic_stops_nobody(rig: LapClient, broker: Broker, shared_stored: Stored, letters: int) -> None:
    """A car of thousands of letters, which no index holds and no compression shortens: kept, and the next lap is stored."""
    car = "".join(random.Random(letters).choices(string.ascii_letters, k=letters))
    topic = f"racing-coach/v1/rigs/rig-1/cars/{car}/laps"
    payload = uuid.uuid4().bytes

    answer = await rig.send(payload, topic=topic)
    async with LapClient(broker, "rig-2") as other:
        good = await other.send(arrow(new_lap()))

    assert (answer.status, good.status) == ("rejected", "success")
    (row,) = await shared_stored.rejected(payload_sha256(payload))
    assert row["topic"].startswith(topic[:200])


async def test_what_is_sent_fills_no_log(rig: LapClient, shared_daemon: DaemonProcess) -> None:
    """Each line is short, whatever was sent: a car of 60,000 characters, and a session of values that are none."""
    car = "\U0001f3ce" * 15_000
    long = await rig.send(uuid.uuid4().bytes, topic=f"racing-coach/v1/rigs/rig-1/cars/{car}/laps")
    session = {"session_id": "x" * 100_000, "track_id": "\x1b" * 100_000, **{f"y{n}": "z" * 1_000 for n in range(100)}}
    wrong = await rig.send(json.dumps({"session": session, "lap": {"frames": [{}]}}).encode())

    assert (long.status, wrong.status) == ("rejected", "rejected")
    assert max(len(str(line)) for line in shared_daemon.log) < 8_000


async def test_odd_properties_stop_nobody(rig: LapClient, broker: Broker) -> None:
    """A content type with U+FEFF is refused by its name, properties by the thousand are none of our business."""
    odd = await rig.send(arrow(new_lap()), content_type="x\ufeff")
    lap = arrow(new_lap())
    user = await asyncio.to_thread(User, broker, rig.rig)
    user.send(TOPICS.laps.build(rig=rig.rig, car=CAR), lap, user_properties=[("", "")] * 5_000)
    many = await rig.answer(payload_sha256(lap))
    user.close()
    plain = await rig.send(arrow(new_lap()))

    assert (odd.status, many.status, plain.status) == ("rejected", "success", "success")
    assert r"the content type says 'x\ufeff'" in odd.message


async def test_no_properties_no_echo(rig: LapClient) -> None:
    """Without correlation data there is none in the answer."""
    assert (await rig.send(arrow(new_lap()))).correlation_data is None


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/octet-stream", None])
async def test_a_content_type_that_fits_is_accepted(rig: LapClient, content_type: str | None) -> None:
    """The content type may be there, with parameters, say nothing, or be missing."""
    assert (await rig.send(as_json(new_lap()), content_type=content_type)).status == "success"
