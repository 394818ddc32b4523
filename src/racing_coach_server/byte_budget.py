"""How much may be in memory at once of something that is measured in bytes."""

import asyncio
from collections import deque


class ByteBudget:
    """Bytes to be taken and given back. Who asks first is served first: a large wish does not wait for ever."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> int:
        """Wait until so many are free, and take them.

        Returns:
            What was taken, to be given back: `size`, or all there are if it is more than that.
        """
        wanted = min(size, self._total)
        if self._waiting or wanted > self._free:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((wanted, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._free += wanted
                self._serve()
                raise
        else:
            self._free -= wanted
        return wanted

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self._free += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.done():  # it was given up
                self._waiting.popleft()
            elif wanted <= self._free:
                self._waiting.popleft()
                self._free -= wanted
                turn.set_result(None)
            else:
                return
