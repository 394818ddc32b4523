"""What one follower has still to do, as far as memory knows."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence

from racing_coach_server.messaging.messages import Event


class Backlog[EventT: Event]:
    """Events that were told, then those that the last catch-up found; bounded, since the database has them all.

    Of those that were told each sender's come in order, and senders take turns: one that tells without pause, of what
    takes long, keeps the others waiting for one of its own at a time.
    """

    def __init__(self, *, memory: int, catch_up_s: float) -> None:
        """Begin empty, with a catch-up due.

        Args:
            memory: most events that were told and wait; beyond that the oldest of the sender with the most is dropped,
                and found again.
            catch_up_s: the pause between two catch-ups if nothing calls for one sooner.
        """
        self._memory = memory
        self._told: OrderedDict[str, deque[EventT]] = OrderedDict()
        """By sender; whose turn it is comes first."""
        self._found: deque[EventT] = deque()
        self._catch_up_s = catch_up_s
        self._due = 0.0
        self._more = False
        self._wake = asyncio.Event()
        self.behind = 0

    def tell(self, event: EventT) -> None:
        """Take an event. Neither fails nor waits."""
        if sum(map(len, self._told.values())) >= self._memory:
            self._take_from(max(self._told, key=lambda sender: len(self._told[sender])))
            self._due = 0.0
        self._told.setdefault(event.sender, deque()).append(event)
        self.behind += 1
        self._wake.set()

    def call(self) -> None:
        """Have a catch-up done as soon as nothing that was told waits: something may have been missed."""
        self._due = 0.0
        self._wake.set()

    def caught_up(self, found: Sequence[EventT], behind: int, *, more: bool) -> None:
        """Take what a catch-up found.

        Args:
            found: newest first.
            behind: how many there are in all.
            more: whether there are more than these.
        """
        self._found = deque(found)
        self.behind = behind
        self._more = more
        self._due = time.monotonic() + self._catch_up_s

    def settled(self, *, progress: bool) -> None:
        """One that was taken is settled.

        Args:
            progress: whether a catch-up will not find it again. Only then it is worth asking for more at once: what
                others have in hand is found again and again.
        """
        self.behind = max(0, self.behind - 1)
        if progress and self._more:
            self._more = False
            self._due = 0.0

    async def take(self) -> EventT | None:
        """The next one; those that were told come first. None if it is time for a catch-up."""
        while True:
            self._wake.clear()
            if self._told:
                sender = next(iter(self._told))
                self._told.move_to_end(sender)
                return self._take_from(sender)
            if self._found:
                return self._found.popleft()
            wait_s = self._due - time.monotonic()
            if wait_s <= 0:
                return None
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue

    def _take_from(self, sender: str) -> EventT:
        events = self._told[sender]
        event = events.popleft()
        if not events:
            del self._told[sender]
        return event
