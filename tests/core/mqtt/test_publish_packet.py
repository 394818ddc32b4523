"""The head of an MQTT 5 PUBLISH: what paho packs comes out, and nothing that a broker may pass on raises."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from racing_coach_core.mqtt.publish_packet import _MAX_PROPERTIES, PublishHead, publish_head

TOPIC = b"racing-coach/v1/rigs/rig-1/cars/gt3/laps"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


def packed(properties: bytes, payload: bytes = b"payload", *, qos: int = 1) -> bytearray:
    """A PUBLISH without its fixed header; `properties` with their length before them."""
    packet_id = b"\x12\x34" if qos else b""
    return bytearray(struct.pack(">H", len(TOPIC)) + TOPIC + packet_id + properties + payload)


def with_length(properties: bytes) -> bytes:
    """Properties with their length as a variable byte integer."""
    length, out = len(properties), b""
    while True:
        length, byte = divmod(length, 128)
        out += bytes([byte | (0x80 if length else 0)])
        if not length:
            return out + properties


def read(packet: bytearray, *, qos: int = 1) -> tuple[PublishHead, bytes]:
    head = publish_head(packet, qos=qos)
    assert head is not None
    return head, bytes(packet[head.size :])


@given(
    content_type=st.none() | TEXT,
    response_topic=st.none() | TEXT,
    correlation_data=st.none() | st.binary(max_size=300),
    user=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    expiry=st.none() | st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=50),
    qos=st.sampled_from([0, 1]),
)
def test_what_paho_packs_comes_out(
    content_type: str | None,
    response_topic: str | None,
    correlation_data: bytes | None,
    user: list[tuple[str, str]],
    expiry: int | None,
    payload: bytes,
    qos: int,
) -> None:
    """Every property that we ask for, whatever others there are, and the payload after them."""
    properties: Any = Properties(PacketTypes.PUBLISH)
    wanted = {"ContentType": content_type, "ResponseTopic": response_topic, "CorrelationData": correlation_data}
    for name, value in {**wanted, "MessageExpiryInterval": expiry, "PayloadFormatIndicator": 1}.items():
        if value is not None:
            setattr(properties, name, value)
    if user:
        properties.UserProperty = user

    head, rest = read(packed(properties.pack(), payload, qos=qos), qos=qos)

    assert (head.content_type, head.response_topic, head.correlation_data) == tuple(wanted.values())
    assert rest == payload
    assert (head.topic, head.packet_id) == (TOPIC.decode(), 0x1234 if qos else 0)


@pytest.mark.parametrize(
    "properties",
    [
        b"\x7f",  # no such property
        b"\x03\x00\x10short",  # longer than all properties
        b"\x03",  # cut short
        b"\x26\x00\x01a\x00",  # a name without its value
        b"\x0b\xff\xff\xff\xff\x01",  # a number of five bytes
    ],
)
def test_properties_that_cannot_be_made_out_cost_no_payload(properties: bytes) -> None:
    """Their length says where the payload begins; what came before them is kept."""
    head, rest = read(packed(with_length(b"\x09\x00\x02hi" + properties)))

    assert rest == b"payload"
    assert head.correlation_data == b"hi"


@pytest.mark.parametrize("text", ["x\ufeff", "\x01"])
def test_characters_that_paho_refuses_are_let_through(text: str) -> None:
    """MQTT 5 allows U+FEFF (1.5.4-3), and mosquitto passes it on."""
    raw = text.encode()
    head, rest = read(packed(with_length(b"\x03" + struct.pack(">H", len(raw)) + raw)))

    assert (head.content_type, rest) == (text, b"payload")


def test_what_is_not_utf8_is_replaced() -> None:
    """It can be told in an answer then, and stored."""
    head, _ = read(packed(with_length(b"\x08\x00\x02\xff\xfe")))

    assert head.response_topic == "\ufffd\ufffd"


@pytest.mark.parametrize("number", [40_000, 200_000])
def test_many_properties_are_walked_over_or_left_alone(number: int) -> None:
    """As many as are looked at and many more: the payload is found."""
    properties = b"\x26\x00\x00\x00\x00" * number + b"\x03\x00\x01x"
    head, rest = read(packed(with_length(properties)))

    assert rest == b"payload"
    assert head.content_type == ("x" if len(properties) <= _MAX_PROPERTIES else None)


def test_a_packet_cut_short_is_none() -> None:
    """Wherever it is cut before its payload."""
    whole = packed(with_length(b"\x03\x00\x01x"), b"")
    assert publish_head(whole, qos=1) is not None
    for size in range(len(whole)):
        assert publish_head(whole[:size], qos=1) is None


@given(st.binary(max_size=200), st.sampled_from([0, 1]))
def test_no_bytes_raise(packet: bytes, qos: int) -> None:
    """Whatever they are."""
    head = publish_head(bytearray(packet), qos=qos)
    assert head is None or head.size <= len(packet)
