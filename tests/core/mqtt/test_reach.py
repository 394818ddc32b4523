"""What is private to aiomqtt and paho is where we look for it, and does what we use it for."""

import socket
import time
from collections.abc import Iterator

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from racing_coach_core.mqtt import reach
from racing_coach_core.mqtt.packet_reader import Packet
from racing_coach_core.mqtt.reach import PRIVATE_NAMES, PrivateName
from racing_coach_core.mqtt.wire import Wire

CONNECT, PINGREQ = 0x10, 0xC0
CONNACK = bytes([0x20, 3, 0, 0, 0])
KEEPALIVE_S = 1


async def instance_of(owner: type) -> object:
    if owner is aiomqtt.Client:
        return aiomqtt.Client("localhost")
    return paho.Client(CallbackAPIVersion.VERSION2)


@pytest.mark.parametrize("private", PRIVATE_NAMES, ids=lambda found: f"{found.owner.__module__}.{found.name}")
async def test_the_name_is_still_there(private: PrivateName) -> None:
    """A release that moves or removes it fails here, by its name."""
    assert hasattr(await instance_of(private.owner), private.name), f"{private.name} is gone; it is {private.why}"


async def test_the_client_under_aiomqtt_is_pahos() -> None:
    """Its public switches and callbacks are what we want of it."""
    assert isinstance(reach.paho_of(aiomqtt.Client("localhost")), paho.Client)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def connected(listener: socket.socket) -> Iterator[tuple[paho.Client, Wire, socket.socket]]:
    """A paho client on a wire, and the broker's end of it. Nothing was sent yet."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, reconnect_on_failure=False)
    wires = []

    def opened(_client: paho.Client, _userdata: object, sock: socket.socket) -> None:
        wires.append(Wire(sock, lambda _packet: None))
        reach.set_socket(client, wires[0])

    client.on_socket_open = opened
    client.on_socket_register_write = lambda *_: None
    client.connect("127.0.0.1", listener.getsockname()[1], keepalive=KEEPALIVE_S)
    far, _ = listener.accept()
    far.settimeout(5)
    with far:
        yield client, wires[0], far
    wires[0].close()


def accepted(client: paho.Client, far: socket.socket) -> None:
    assert client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert far.recv(1000)[0] == CONNECT
    far.sendall(CONNACK)
    deadline = time.monotonic() + 5
    while not client.is_connected() and time.monotonic() < deadline:
        client.loop_read()
    assert client.is_connected()


def test_paho_reads_and_writes_through_the_socket_we_set(connected: tuple[paho.Client, Wire, socket.socket]) -> None:
    """Everything passes through the wire, and paho says it is the one in use."""
    client, wire, far = connected

    accepted(client, far)

    assert client.socket() is wire
    assert wire.sent > 0
    assert wire.received == len(CONNACK)


def test_without_a_socket_paho_holds_itself_for_disconnected(
    connected: tuple[paho.Client, Wire, socket.socket],
) -> None:
    """It neither sends nor waits any more."""
    client, _, far = connected
    accepted(client, far)

    reach.set_socket(client, None)

    assert client.loop_read() == client.loop_misc() == MQTTErrorCode.MQTT_ERR_NO_CONN
    assert client.publish("t", b"x", 1).rc == MQTTErrorCode.MQTT_ERR_NO_CONN


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_ping_that_is_forgotten_ends_no_connection(
    connected: tuple[paho.Client, Wire, socket.socket], *, forgotten: bool
) -> None:
    """With an unanswered PINGREQ a keepalive old paho hangs up, unless told to forget it; it then sends another."""
    client, _, far = connected
    accepted(client, far)
    time.sleep(KEEPALIVE_S + 0.05)
    assert client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_write()
    assert far.recv(10) == bytes([PINGREQ, 0])

    time.sleep(KEEPALIVE_S + 0.05)
    if not forgotten:
        assert client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS
        return
    reach.forget_ping(client)

    assert client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_write()
    assert far.recv(10) == bytes([PINGREQ, 0])


def test_paho_sees_no_message(connected: tuple[paho.Client, Wire, socket.socket]) -> None:
    """A PUBLISH goes past it, the packet behind it comes through, cut however the network likes."""
    client, wire, far = connected
    accepted(client, far)
    taken: list[Packet] = []
    wire._on_publish = taken.append
    seen: list[object] = []
    client.on_message = lambda *arguments: seen.append(arguments)
    client.on_disconnect = lambda *arguments: seen.append(arguments[3])
    publish = bytes([0x32, 8]) + b"\0\1t\0\7\0hi"
    for byte in publish + bytes([0xE0, 1, 0x8B]):
        far.sendall(bytes([byte]))
        time.sleep(0.005)
        client.loop_read()

    assert [bytes(packet.body) for packet in taken] == [b"\0\1t\0\7\0hi"]
    assert [str(reason) for reason in seen] == ["Server shutting down"]
