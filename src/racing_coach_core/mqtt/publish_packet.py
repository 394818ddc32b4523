"""What stands before the payload of an MQTT 5 PUBLISH (OASIS MQTT 5, 3.3), read in one pass.

paho's own way copies all that is left of a packet with every property it takes off, takes seconds for some thousand of
them, and ends the connection over a character that the standard allows. The packet would come first again on the next
connection, and so on: one message could keep all others out (docs/decisions/0011).
"""

import contextlib
import struct
from dataclasses import dataclass
from typing import Final

_CONTENT_TYPE: Final = 0x03
_RESPONSE_TOPIC: Final = 0x08
_CORRELATION_DATA: Final = 0x09
_SUBSCRIPTION_IDENTIFIER: Final = 0x0B
_USER_PROPERTY: Final = 0x26
_FIXED: Final = {0x01: 1, 0x02: 4, 0x23: 2}
"""Payload format indicator, message expiry interval, topic alias: bytes of each."""
_LENGTH: Final = struct.Struct(">H")
_VARIABLE_BYTES: Final = 4
_MAX_PROPERTIES: Final = 1 << 18
"""Bytes of properties that are looked at, 50,000 empty ones: beyond, it would show on the event loop."""


@dataclass(frozen=True, slots=True)
class PublishHead:
    """What stands before the payload, of the properties those that somebody asks for.

    Attributes:
        size: bytes before the payload.
        topic: what is not UTF-8 in it is replaced. A broker must not pass such a one on (MQTT-1.5.4-1); if one does,
            the message is refused like any with a bad topic.
        packet_id: 0 with QoS 0, which has none.
        content_type: as the sender set it; what is not UTF-8 in it is replaced.
        response_topic: the same.
        correlation_data: the same bytes.
    """

    size: int
    topic: str
    packet_id: int
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None


def publish_head(packet: bytearray, *, qos: int) -> PublishHead | None:
    """Read the head of a PUBLISH.

    Args:
        packet: all after the fixed header.
        qos: from the fixed header.

    Returns:
        None if the packet is no PUBLISH. Properties that are not to be made out are left out: the payload stands
        where their length says.
    """
    view = memoryview(packet)
    try:
        topic_at, topic_end = _string(view, 0)
        packet_id = _LENGTH.unpack_from(view, topic_end)[0] if qos else 0
        length, begin = variable_byte_integer(view, topic_end + (_LENGTH.size if qos else 0))
    except (struct.error, IndexError):
        return None
    end = begin + length
    if end > len(view):
        return None
    found: dict[int, bytes] = {}
    if length <= _MAX_PROPERTIES:
        with contextlib.suppress(struct.error, IndexError):  # what came before stays found
            _collect(view[begin:end], found)
    return PublishHead(
        end,
        bytes(view[topic_at:topic_end]).decode(errors="replace"),
        packet_id,
        _text(found.get(_CONTENT_TYPE)),
        _text(found.get(_RESPONSE_TOPIC)),
        found.get(_CORRELATION_DATA),
    )


def variable_byte_integer(view: memoryview, at: int) -> tuple[int, int]:
    """A number that takes one to four bytes (1.5.5), and where it ends.

    Raises:
        IndexError: there is none.
    """
    number = 0
    for position in range(_VARIABLE_BYTES):
        byte = view[at + position]
        number |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            return number, at + position + 1
    raise IndexError(at)


def _collect(properties: memoryview, found: dict[int, bytes]) -> None:
    """Walk over properties, and keep those that are asked for.

    Raises:
        struct.error, IndexError: they end in the middle of one, or there is one that no PUBLISH has.
    """
    at = 0
    while at < len(properties):
        kind, at = properties[at], at + 1
        if kind in _FIXED:
            at += _FIXED[kind]
        elif kind == _SUBSCRIPTION_IDENTIFIER:
            _, at = variable_byte_integer(properties, at)
        elif kind in {_CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION_DATA}:
            begin, at = _string(properties, at)
            found[kind] = bytes(properties[begin:at])
        elif kind == _USER_PROPERTY:
            _, at = _string(properties, at)
            _, at = _string(properties, at)
        else:
            raise IndexError(kind)


def _string(view: memoryview, at: int) -> tuple[int, int]:
    """Where a string with its length before it begins and ends."""
    begin = at + _LENGTH.size
    end = begin + _LENGTH.unpack_from(view, at)[0]
    if end > len(view):
        raise IndexError(end)
    return begin, end


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
