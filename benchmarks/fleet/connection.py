"""A rig's MQTT 5 connection at next to no cost, so that a thousand of them leave the machine to what is measured.

It keeps its session, acknowledges what it hears, pings, and says when it is gone.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import NoReturn, cast

from benchmarks.rigs.wire import packet, properties, text, variable
from racing_coach_core.concurrency import first_of

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9
_SESSION_EXPIRY, _CONTENT_TYPE = b"\x11", b"\x03"
_PINGREQ = b"\xc0\x00"
_KEEPALIVE_S = 120
_TIMEOUT_S = 60
_FAILURE = 0x80

type Heard = Callable[[str, bytes], None]


class FleetConnection(asyncio.Protocol):
    """One connection of one rig.

    Args:
        heard: called with topic and payload of every message.
    """

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._buffer = bytearray()
        self._mid = 0
        self._replies: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.get_running_loop().create_future()
        self.refused = 0
        """PUBACKs that said no."""

    async def connect(self, host: str, port: int, user: str, password: str) -> None:
        """Connect, with a session that outlives the connection.

        Raises:
            ConnectionError: the broker says no, or nothing in time.
            OSError: there is no broker.
        """
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        body = text("MQTT") + bytes([5, 0xC0]) + struct.pack("!H", _KEEPALIVE_S)
        body += properties(_SESSION_EXPIRY + struct.pack("!I", 3600)) + text(user) + text(user) + text(password)
        self._write(packet(0x10, body))
        answer = await self._reply(_CONNACK)
        if answer[1]:
            raise ConnectionError(f"{user}: the broker answers {answer!r}")

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe with QoS 1.

        Raises:
            ConnectionError: the broker says no, or nothing in time.
        """
        body = struct.pack("!H", self._next_mid()) + b"\x00" + b"".join(text(one) + b"\x01" for one in filters)
        self._write(packet(0x82, body))
        if any(code >= _FAILURE for code in (await self._reply(_SUBACK))[-len(filters) :]):
            raise ConnectionError(f"{filters}: refused")

    def publish(self, topic: str, content_type: str, parts: tuple[bytes, memoryview]) -> None:
        """Publish with QoS 1. Its PUBACK proves nothing, and is not waited for."""
        start = text(topic) + struct.pack("!H", self._next_mid()) + properties(_CONTENT_TYPE + text(content_type))
        length = len(start) + sum(map(len, parts))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines([b"\x32" + variable(length) + start, *parts])

    def ping(self) -> None:
        """Stay alive."""
        self._write(_PINGREQ)

    def close(self) -> None:
        """Say goodbye; the session stays."""
        self._write(packet(0xE0, b""))
        if self._transport is not None:
            self._transport.close()

    async def _reply(self, kind: int) -> bytes:
        came, body = await first_of(self._replies.get(), self._hung_up(), timeout_s=_TIMEOUT_S)
        if came != kind:
            raise ConnectionError(f"the broker sends a packet of type {came}")
        return body

    async def _hung_up(self) -> NoReturn:
        await asyncio.wait([self.gone])
        raise ConnectionError("the broker hung up")

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _next_mid(self) -> int:
        self._mid = self._mid % 65_535 + 1
        return self._mid

    # --- asyncio's calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(exc)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (place := self._packet_end()) is not None:
            start, end = place
            first, body = self._buffer[0], bytes(self._buffer[start:end])
            del self._buffer[:end]
            self._take(first, body)

    def _packet_end(self) -> tuple[int, int] | None:
        """Where the body of the first packet begins and ends, None before it is all there."""
        length = 0
        for at in range(1, min(5, len(self._buffer))):
            length |= (self._buffer[at] & 0x7F) << 7 * (at - 1)
            if self._buffer[at] < 0x80:
                return (at + 1, at + 1 + length) if len(self._buffer) >= at + 1 + length else None
        return None

    def _take(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == _PUBLISH:
            start = 2 + int.from_bytes(body[:2])
            topic = body[2:start].decode()
            if first & 0x06:
                self._write(packet(0x40, body[start : start + 2]))
                start += 2
            length, start = _variable(body, start)
            self._heard(topic, body[start + length :])
        elif kind == _PUBACK:
            self.refused += len(body) > 2 and body[2] >= _FAILURE
        elif kind in {_CONNACK, _SUBACK}:
            self._replies.put_nowait((kind, body))


def _variable(body: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer, and where it ends."""
    length = shift = 0
    while True:
        byte = body[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return length, at
