"""Bytes become packets, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_core.mqtt.packet_reader import Packet, PacketReader


def encoded(first: int, body: bytes) -> bytes:
    """A packet as it travels."""
    length, rest = b"", len(body)
    while True:
        rest, byte = divmod(rest, 128)
        length += bytes([byte | (0x80 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


def read(stream: bytes, pieces: list[int]) -> list[Packet]:
    """The packets of a stream that comes in pieces of at most these sizes, again and again."""
    reader, packets, at, turn = PacketReader(), [], 0, 0
    while at < len(stream):
        with reader.room() as room:
            piece = stream[at : at + min(len(room), pieces[turn % len(pieces)])]
            room[: len(piece)] = piece
        if (packet := reader.filled(len(piece))) is not None:
            packets.append(packet)
        at, turn = at + len(piece), turn + 1
    return packets


@given(
    st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=400)), max_size=8),
    st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_every_packet_comes_out_whole(sent: list[tuple[int, bytes]], pieces: list[int]) -> None:
    """In order, with its flags, and nothing of the next one."""
    stream = b"".join(encoded(first, body) for first, body in sent)

    packets = read(stream, pieces)

    assert [(packet.header[0], bytes(packet.body)) for packet in packets] == sent
    assert b"".join(packet.header + packet.body for packet in packets) == stream
    assert [packet.is_publish for packet in packets] == [first >> 4 == 3 for first, _ in sent]
    assert [packet.flags for packet in packets] == [first & 0xF for first, _ in sent]


@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_a_length_of_one_to_four_bytes(size: int) -> None:
    """At either side of where it takes another byte."""
    (packet,) = read(encoded(0x32, bytes(size)), [1 << 18])

    assert len(packet.body) == size


def test_a_length_that_does_not_end_is_no_mqtt() -> None:
    """Five bytes of it would say more than any packet may have."""
    with pytest.raises(ConnectionError, match="without a length"):
        read(b"\x32\xff\xff\xff\xff\x01", [1])
