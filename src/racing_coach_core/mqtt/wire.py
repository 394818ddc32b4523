"""The socket that paho is given in place of its own.

Messages are taken out of the stream here, before paho sees them: it takes them apart slowly, and ends the connection
over some that the standard allows (docs/decisions/0011). paho gets all other packets, which are small, and does with
them what the protocol asks for.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Final

from racing_coach_core.mqtt.packet_reader import Packet, PacketReader

_PIECES: Final = 64
"""Pieces read before others get a turn on the event loop."""


class Wire:
    """A connected socket, of which paho sees all packets but PUBLISH.

    Attributes:
        paused: while set nothing is read.
        received: bytes that came so far.
        sent: bytes that left so far.
    """

    def __init__(self, sock: socket.socket, on_publish: Callable[[Packet], None]) -> None:
        self.paused = False
        self.received = 0
        self.sent = 0
        self._sock = sock
        self._on_publish = on_publish
        self._packets = PacketReader()
        self._for_paho = bytearray()

    def recv(self, size: int) -> bytes:
        """What is for paho; nothing if the broker hung up.

        Raises:
            BlockingIOError: nothing for now.
            OSError: the connection broke, or what came is not MQTT.
        """
        if not self._for_paho:
            self._read()
        data = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        return data

    def _read(self) -> None:
        """Read until there is something for paho, a message was taken, or the broker hung up."""
        for _ in range(_PIECES):
            if self.paused:
                break
            with self._packets.room() as room:
                count = self._sock.recv_into(room)
            if not count:
                return
            self.received += count
            packet = self._packets.filled(count)
            if packet is None:
                continue
            if not packet.is_publish:
                self._for_paho += packet.header
                self._for_paho += packet.body
                return
            self._on_publish(packet)
            break
        raise BlockingIOError

    def send(self, data: bytes | bytearray) -> int:
        """Send what the system takes; how many bytes that is."""
        count = self._sock.send(data)
        self.sent += count
        return count

    @property
    def is_open(self) -> bool:
        """Whether it was not closed on this side."""
        return self._sock.fileno() >= 0

    @property
    def is_pending(self) -> bool:
        """Whether TLS holds decrypted bytes, of which the event loop learns nothing."""
        return self.is_open and isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def fileno(self) -> int:
        """The file descriptor, -1 once closed."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of a socket."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Close without a word to the broker."""
        self._sock.close()
