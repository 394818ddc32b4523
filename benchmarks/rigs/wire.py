"""Just enough of MQTT 5 to publish a lap and hear the answer, at next to no cost to the machine it shares.

Client libraries copy a payload of 9 MB many times on its way to the socket. On a machine with two cores, that
would be measured as if the daemon were slow.
"""

import asyncio
import struct
import time
from typing import Self

_CONNACK, _PUBLISH, _SUBACK = 2, 3, 9
_CONTENT_TYPE, _CORRELATION_DATA, _RECEIVE_MAXIMUM = b"\x03", b"\x09", b"\x21"


class RigConnection:
    """One rig: publishes laps with QoS 1 and takes the answers."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._replies: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._mid = 0
        self.others: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        """Messages that answer nothing: when each came, and its payload."""

    async def connect(self, host: str, port: int, client_id: str, credentials: tuple[str, str] | None) -> Self:
        """Connect with a clean session.

        Raises:
            ConnectionError: the broker says no.
        """
        self._reader, self._writer = await asyncio.open_connection(host, port)
        flags = 0x02 | (0xC0 if credentials else 0)
        body = text("MQTT") + bytes([5, flags]) + struct.pack("!H", 600)
        body += properties(_RECEIVE_MAXIMUM + struct.pack("!H", 100)) + text(client_id)
        for part in credentials or ():
            body += text(part)
        self._writer.write(packet(0x10, body))
        self._reading = asyncio.create_task(self._read(), name=f"{client_id} reads")
        kind, answer = await self._replies.get()
        if kind != _CONNACK or answer[1] != 0:
            raise ConnectionError(f"{client_id}: the broker answers {answer!r}")
        return self

    async def subscribe(self, topic_filter: str) -> None:
        body = struct.pack("!H", self._next_mid()) + b"\x00" + text(topic_filter) + b"\x01"
        self._writer.write(packet(0x82, body))
        kind, answer = await self._replies.get()
        if kind != _SUBACK or answer[-1] >= 0x80:
            raise ConnectionError(f"{topic_filter}: the broker answers {answer!r}")

    async def publish(self, topic: str, content_type: str, parts: tuple[bytes, memoryview]) -> bytes:
        """Publish a lap, and wait for its answer."""
        mid = struct.pack("!H", self._next_mid())
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[mid] = answer
        more = _CONTENT_TYPE + text(content_type) + _CORRELATION_DATA + struct.pack("!H", 2) + mid
        start = text(topic) + mid + properties(more)
        length = len(start) + sum(map(len, parts))
        self._writer.write(bytes([0x32]) + variable(length) + start)
        for part in parts:
            self._writer.write(part)
        await self._writer.drain()
        return await answer

    async def close(self) -> None:
        self._writer.write(packet(0xE0, b""))
        await self._writer.drain()
        self._reading.cancel()
        self._writer.close()

    def _next_mid(self) -> int:
        self._mid = self._mid % 65_535 + 1
        return self._mid

    async def _read(self) -> None:
        while True:
            first, body = await self._read_packet()
            kind = first >> 4
            if kind == _PUBLISH:
                self._take(first, body)
            elif kind in {_CONNACK, _SUBACK}:
                self._replies.put_nowait((kind, body))

    async def _read_packet(self) -> tuple[int, bytes]:
        first = (await self._reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first, await self._reader.readexactly(length)

    def _take(self, first: int, body: bytes) -> None:
        """An answer: give it to whoever published the lap, and acknowledge it."""
        start = 2 + int.from_bytes(body[:2])
        if first & 0x06:
            self._writer.write(packet(0x40, body[start : start + 2]))
            start += 2
        length = body[start]  # of the properties; the daemon's fit one byte
        told, payload = body[start + 1 : start + 1 + length], body[start + 1 + length :]
        correlation = _correlation(told)
        if not correlation:
            self.others.put_nowait((time.monotonic(), payload))
            return
        waiting = self._waiting.pop(correlation, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload)


def _correlation(told: bytes) -> bytes:
    """The Correlation Data among properties that are all strings or binary."""
    at = 0
    while at < len(told):
        end = at + 3 + int.from_bytes(told[at + 1 : at + 3])
        if told[at : at + 1] == _CORRELATION_DATA:
            return told[at + 3 : end]
        at = end
    return b""


def variable(number: int) -> bytes:
    """MQTT's variable byte integer."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(words: str) -> bytes:
    """A string with its length before it."""
    return struct.pack("!H", len(words.encode())) + words.encode()


def properties(content: bytes) -> bytes:
    """Properties with their length before them."""
    return variable(len(content)) + content


def packet(first: int, body: bytes) -> bytes:
    """A whole packet; `first` is its type and flags."""
    return bytes([first]) + variable(len(body)) + body
