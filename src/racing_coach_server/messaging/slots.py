"""How many messages are worked on at once, and whether one waits for its turn."""

import asyncio


class Slots:
    """A bounded number of slots; whoever comes second to messages waits until one is free."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._room = asyncio.Event()
        self._room.set()

    async def take(self) -> None:
        """Take a slot, once one is free."""
        if self._free.locked():
            self._room.clear()
        try:
            await self._free.acquire()
        finally:
            self._look()

    def give(self) -> None:
        """Give a slot back."""
        self._free.release()
        self._look()

    def _look(self) -> None:
        """A semaphore counts as locked also while somebody waits for it."""
        if self._free.locked():
            self._room.clear()
        else:
            self._room.set()

    async def room(self) -> None:
        """Wait until a slot is free that no message waits for."""
        await self._room.wait()
