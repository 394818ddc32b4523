"""Cuts the stream of bytes from a broker into MQTT packets (OASIS MQTT 5, 2.1)."""

from dataclasses import dataclass
from typing import Final

from racing_coach_core.mqtt.publish_packet import variable_byte_integer

_PUBLISH: Final = 3
_MIN_HEADER: Final = 2
_MAX_HEADER: Final = 5
"""Bytes: kind and flags, and at most four that say the length."""
_PIECE: Final = 16 << 20
"""Bytes of memory taken at once for a body, in which most messages fit: what a longer one says of its length is not
believed before it came."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet.

    Attributes:
        header: kind, flags and length, as they came.
        body: all after them.
    """

    header: bytes
    body: bytearray

    @property
    def is_publish(self) -> bool:
        """Whether it is a message."""
        return self.header[0] >> 4 == _PUBLISH

    @property
    def flags(self) -> int:
        """The four bits beside the kind: of a PUBLISH DUP, QoS and RETAIN."""
        return self.header[0] & 0xF


class PacketReader:
    """Has bytes put where they belong as they come, and gives a packet with the last byte of it."""

    def __init__(self) -> None:
        self._header = bytearray(_MAX_HEADER)
        self._body = bytearray()
        self._there = 0
        """Bytes of the header, then of the body, that came."""
        self._length: int | None = None
        """Of the body; None while the header is not whole."""

    def room(self) -> memoryview:
        """Where the next bytes go, as many as fit: those after them may belong to the next packet."""
        if self._length is None:
            return memoryview(self._header)[self._there : max(_MIN_HEADER, self._there + 1)]
        if self._there == len(self._body):
            self._body += bytes(min(self._length - self._there, _PIECE))
        return memoryview(self._body)[self._there :]

    def filled(self, count: int) -> Packet | None:
        """So many bytes were put there.

        Returns:
            The packet that they complete.

        Raises:
            ConnectionError: this is not MQTT.
        """
        self._there += count
        if self._length is None:
            self._length = self._told_length()
            if self._length is None:
                return None
            del self._header[self._there :]
            self._there = 0
            # At once of its size, if it is like most.
            self._body = bytearray(min(self._length, _PIECE))
        if self._there < self._length:
            return None
        packet = Packet(bytes(self._header), self._body)
        self._header, self._there, self._length = bytearray(_MAX_HEADER), 0, None
        return packet

    def _told_length(self) -> int | None:
        """The length of the body once the header says it."""
        if self._there < _MIN_HEADER:
            return None
        if self._header[self._there - 1] & 0x80:
            if self._there == _MAX_HEADER:
                raise ConnectionError("the broker sent a packet without a length")
            return None
        return variable_byte_integer(memoryview(self._header), 1)[0]
