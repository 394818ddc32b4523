"""Drives paho's socket on the event loop: reads, pauses, writes, keeps alive.

These are paho's public callbacks for a foreign event loop; the socket is a `Wire` of ours.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as paho

from racing_coach_core.mqtt import reach
from racing_coach_core.mqtt.packet_reader import Packet
from racing_coach_core.mqtt.wire import Wire

# The system would take megabytes off us at once, and whether they leave could not be seen.
_SEND_BUFFER: Final = 1 << 16
_KEEPALIVE_CHECK_S: Final = 1.0


class SocketDriver:
    """The socket of one connection. Except where it says so, all of this runs on the event loop's thread.

    Args:
        client: paho, not connected yet.
        on_publish: called for every message that came.
        on_broken: called with the reason if reading or writing fails in a way that paho does not tell.
    """

    def __init__(
        self, client: paho.Client, *, on_publish: Callable[[Packet], None], on_broken: Callable[[str], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._paho = client
        self._on_publish = on_publish
        self._on_broken = on_broken
        self._wire: Wire | None = None
        self._keepalive: asyncio.Task[None] | None = None
        self._closed = False
        client.on_socket_open = self._on_open
        client.on_socket_close = lambda _paho, _userdata, wire: self._forget(wire)
        client.on_socket_register_write = lambda _paho, _userdata, wire: self._register_write(wire)
        client.on_socket_unregister_write = lambda _paho, _userdata, wire: self._unregister_write(wire)

    @property
    def paused(self) -> bool:
        """Whether nothing is read."""
        return self._wire is not None and self._wire.paused

    @property
    def sent(self) -> int:
        """Bytes that left so far."""
        return 0 if self._wire is None else self._wire.sent

    def pause(self) -> None:
        """Stop reading. The kernel's buffers fill, and the broker holds the rest."""
        wire = self._wire
        if wire is not None and not wire.paused and wire.is_open:
            wire.paused = True
            self._loop.remove_reader(wire.fileno())

    def resume(self) -> None:
        """Read again, first what TLS may already have decrypted."""
        wire = self._wire
        if wire is not None and wire.paused:
            wire.paused = False
            if wire.is_open:
                self._loop.add_reader(wire.fileno(), self._read, wire)
                self._loop.call_soon(self._read_pending, wire)

    def send(self) -> None:
        """Send what paho has queued, as far as the system takes it; else it leaves some turns of the loop later."""
        if self._wire is not None and self._wire.is_open:
            self._write()

    def close(self) -> None:
        """Close the socket, whatever paho believes; also one that a thread is still opening."""
        self._closed = True
        if self._wire is not None:
            self._forget(self._wire)
            self._wire.close()
            reach.set_socket(self._paho, None)

    def _on_open(self, _paho: paho.Client, _userdata: object, sock: Any) -> None:
        """Put our wire in the socket's place. Called on the thread that connects."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._wire = Wire(sock, self._on_publish)
        reach.set_socket(self._paho, self._wire)
        self._loop.call_soon_threadsafe(self._start, self._wire)

    def _start(self, wire: Wire) -> None:
        if self._closed:
            # Whoever wanted the connection gave up while the thread was making it. Left alone it would live on,
            # and hold the session.
            self.close()
            return
        self._loop.add_reader(wire.fileno(), self._read, wire)
        self._keepalive = self._loop.create_task(self._keep_alive(wire), name="mqtt keepalive")

    def _forget(self, wire: Any) -> None:
        """Wait for nothing more on the socket."""
        if wire.is_open:
            self._loop.remove_reader(wire.fileno())
            self._loop.remove_writer(wire.fileno())
        if self._keepalive is not None:
            self._keepalive.cancel()

    def _register_write(self, wire: Any) -> None:
        """Called on the thread that connects, too, and by the time the loop gets to it the socket may be gone."""

        def start() -> None:
            # What was sent at once needs none.
            if not self._closed and wire.is_open and self._paho.want_write():
                self._loop.add_writer(wire.fileno(), self._write)

        self._loop.call_soon_threadsafe(start)

    def _unregister_write(self, wire: Any) -> None:
        if wire.is_open:
            self._loop.remove_writer(wire.fileno())

    def _write(self) -> None:
        try:
            self._paho.loop_write()
        except Exception as error:  # noqa: BLE001 (as in `_read`)
            self._on_broken(str(error))

    def _read(self, wire: Wire) -> None:
        try:
            while not wire.paused:
                self._paho.loop_read()
                if not wire.is_pending:
                    return
        except Exception as error:  # noqa: BLE001 (whatever it is, the connection is of no use any more)
            self._on_broken(str(error))

    def _read_pending(self, wire: Wire) -> None:
        if not wire.paused and wire.is_pending:
            self._read(wire)

    async def _keep_alive(self, wire: Wire) -> None:
        """Send what the broker waits for, and hang up on one that says nothing.

        While paused the broker's PINGRESP waits behind the messages we do not read; so it does behind a large one
        that still comes; and while a large message leaves over a slow line, our PINGREQ waits behind that.
        """
        received = sent = 0
        while True:
            leaves = wire.sent != sent and self._paho.want_write()
            if wire.paused or wire.received != received or leaves:
                reach.forget_ping(self._paho)
            received, sent = wire.received, wire.sent
            if self._paho.loop_misc() != paho.MQTT_ERR_SUCCESS:
                return
            await asyncio.sleep(_KEEPALIVE_CHECK_S)
