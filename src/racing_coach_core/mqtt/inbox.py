"""Messages that came on a connection and that nobody took yet. Over the budget the socket is not read."""

import asyncio
from collections import deque

from racing_coach_core.mqtt.budget import HeldBytes, ReceiveBudget
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.socket_driver import SocketDriver


class Inbox:
    """The messages of one connection in the order in which they came."""

    def __init__(self, socket: SocketDriver, budget: ReceiveBudget, held: HeldBytes) -> None:
        self._socket = socket
        self._budget = budget
        self._held = held
        self._waiting: deque[Delivery] = deque()
        self._came = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        """Keep what came; stops reading where the budget is used up."""
        self._waiting.append(delivery)
        self._came.set()
        self._held.add(len(delivery.payload))
        if self._held.is_over(self._budget):
            self._socket.pause()
            self._held.paused = self

    def read_on(self) -> None:
        """Read again if the budget allows."""
        if not self._held.is_over(self._budget):
            self._held.paused = None
            self._socket.resume()

    async def arrival(self) -> None:
        """Wait until there is a message."""
        while not self._waiting:
            self._came.clear()
            await self._came.wait()

    def take(self) -> Delivery | None:
        """The oldest message, None if there is none."""
        return self._waiting.popleft() if self._waiting else None

    def drop(self) -> int:
        """Forget them all; the broker sends them again. Returns how many."""
        count = 0
        while (delivery := self.take()) is not None:
            delivery.release()
            count += 1
        return count
