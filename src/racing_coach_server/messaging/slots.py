"""How many messages are worked on at once, and whether one waits for its turn."""

import asyncio


class Slots:
    """A bounded number of slots; whoever comes second to messages waits until a third of them is free."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = 0
        self._free = asyncio.Semaphore(count)
        self._room = asyncio.Event()
        self._room.set()

    async def take(self) -> None:
        """Take a slot, once one is free."""
        if self._free.locked():
            self._room.clear()
        try:
            await self._free.acquire()
            self._taken += 1
        finally:
            self._look()

    def give(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._free.release()
        self._look()

    def _look(self) -> None:
        """A semaphore counts as locked also while somebody waits for it."""
        if self._free.locked() or 3 * self._taken > 2 * self._count:
            self._room.clear()
        else:
            self._room.set()

    async def room(self) -> None:
        """Wait until there is room for more than messages: a third of the slots is free, or one of very few."""
        await self._room.wait()
