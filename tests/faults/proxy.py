"""A TCP proxy that does to connections what networks do: cut them, hold them, strand them, slow them down."""

import asyncio
import contextlib
import socket
from typing import Self

from racing_coach_demo.processes import LOOPBACK, free_port

_CHUNK = 1 << 15


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.writers = (client, server)
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.left: int | None = None
        """Bytes, in either direction, after which the connection is cut, in the middle of whatever they are."""

    def cut(self) -> None:
        """Reset both ends at once; what is under way is lost."""
        for writer in self.writers:
            with contextlib.suppress(RuntimeError):
                writer.transport.abort()
        self.flowing.set()

    async def pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, upstream: bool) -> None:
        """Pass bytes in one direction until its end."""
        while True:
            await self.flowing.wait()
            data = await source.read(_CHUNK)
            await self.flowing.wait()
            if self.proxy.delay_s:
                await asyncio.sleep(self.proxy.delay_s)
            if self.left is not None:
                if len(data) >= self.left:
                    sink.write(data[: self.left])
                    await sink.drain()
                    self.proxy.cuts += 1
                    self.cut()
                    return
                self.left -= len(data)
            if not data:
                if sink.can_write_eof():
                    sink.write_eof()
                return
            sink.write(data)
            await sink.drain()
            if upstream and self.proxy.bytes_per_s is not None:
                await asyncio.sleep(len(data) / self.proxy.bytes_per_s)


class Proxy:
    """Listens on a port of its own and passes everything on to another one, until told otherwise."""

    def __init__(self, target_port: int, target_host: str = LOOPBACK) -> None:
        self.port = free_port()
        self._target = (target_host, target_port)
        self.links: set[Link] = set()
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        """How fast clients may send; set it before they connect."""
        self.cuts = 0
        self._holding = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        listener = socket.create_server((LOOPBACK, self.port), backlog=1000)
        # Small, or the kernel would take a whole lap off a client at once and hide a slow line from it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for link in self.links.copy():
            link.cut()

    def cut_after(self, count: int) -> None:
        """Cut every connection that stands, each after so many more bytes in either direction."""
        for link in self.links:
            link.left = count

    def hold(self) -> None:
        """Pass nothing on, on connections that stand and on new ones; nothing is lost."""
        self._holding = True
        for link in self.links:
            link.flowing.clear()

    def release(self) -> None:
        """Pass everything on again, first what was held."""
        self._holding = False
        for link in self.links:
            link.flowing.set()

    def let_new_ones_pass(self) -> None:
        """Go on holding the connections that stand, and pass on what comes on new ones."""
        self._holding = False

    def strand(self) -> list[Link]:
        """Let the connections that stand go dead without a word, while new ones work.

        Returns:
            the dead ones: `cut` them, or set them `flowing` to deliver late what they held.
        """
        stranded = list(self.links)
        for link in stranded:
            link.flowing.clear()
        return stranded

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        link = Link(self, writer, server_writer)
        if self._holding:
            link.flowing.clear()
        self.links.add(link)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(link.pump(reader, server_writer, upstream=True))
                pumps.create_task(link.pump(server_reader, writer, upstream=False))
        except* OSError:
            pass
        finally:
            self.links.discard(link)
            link.cut()
