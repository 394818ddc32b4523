"""Cuts the stream of bytes from a broker into MQTT packets (OASIS MQTT 5, 2.1)."""

from dataclasses import dataclass
from typing import Final

from racing_coach_core.mqtt.publish_packet import variable_byte_integer

_PUBLISH: Final = 3
_MAX_HEADER: Final = 5
"""Bytes: kind and flags, and at most four that say the length."""


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
    """Takes bytes as they come, and gives a packet with the last byte of it."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._body = bytearray()
        self._left: int | None = None
        """Bytes of the body that are still to come; None while the header is not whole."""

    @property
    def wanted(self) -> int:
        """How many bytes may be added; what comes after them may belong to the next packet."""
        return 1 if self._left is None else self._left

    def add(self, data: bytes) -> Packet | None:
        """Take at most `wanted` bytes.

        Returns:
            The packet that they complete.

        Raises:
            ConnectionError: this is not MQTT.
        """
        if self._left is None:
            self._header += data
            self._left = self._length()
        else:
            self._body += data
            self._left -= len(data)
        if self._left != 0:
            return None
        packet = Packet(bytes(self._header), self._body)
        self._header, self._body, self._left = bytearray(), bytearray(), None
        return packet

    def _length(self) -> int | None:
        """The length of the body once the header says it."""
        if len(self._header) == 1:
            return None
        if self._header[-1] & 0x80:
            if len(self._header) == _MAX_HEADER:
                raise ConnectionError("the broker sent a packet without a length")
            return None
        return variable_byte_integer(memoryview(self._header), 1)[0]
