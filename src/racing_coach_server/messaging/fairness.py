"""One rig's messages never take all of the daemon.

- A rig has all slots but one at most: its next message waits for its others.
- Each rig may waste some of the daemon's time with what comes to nothing. One that has wasted it, and sends on without
  waiting for answers, has its messages acknowledged unread: they are on its own disk, and come again when it asks for
  their answers. Otherwise they would stand in the broker's one queue before everybody else's.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from racing_coach_core.concurrency import uninterrupted
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_server.messaging.messages import Outcome
from racing_coach_server.messaging.slots import Slots
from racing_coach_server.messaging.trouble import Trouble

_FORGIVEN: Final = 0.2
"""Seconds that it may ask for again, for each one that passes."""
_MOST_S: Final = 0.5
"""What one message counts for at most: it may have waited for others, or for the database."""
_WINDOW: Final = 4
"""As many as the project's own rig has under way without an answer, unless it is set otherwise."""
_MAX_RIGS: Final = 10_000
"""Rigs that are remembered; the names are the senders'."""


@dataclass(slots=True)
class Rig:
    """One sender, and what it has in the daemon's hands."""

    slots: asyncio.Semaphore
    left_s: float
    messages: int = 0
    bytes: int = 0
    at: float = field(default_factory=time.monotonic)

    def forgive(self, waste_s: float) -> None:
        """Let time pass; it may never ask for more than `waste_s`."""
        now = time.monotonic()
        self.left_s = min(waste_s, self.left_s + _FORGIVEN * (now - self.at))
        self.at = now


class Fairness:
    """Which message gets a slot, and when."""

    def __init__(self, slots: Slots, *, concurrency: int, budget_bytes: int, waste_s: float) -> None:
        """Share slots among rigs.

        Args:
            slots: all there are.
            concurrency: how many that is.
            budget_bytes: of messages that may be held; one rig may hold half of them without being asked why.
            waste_s: work for nothing that a rig may ask for in a row, s.
        """
        self._slots = slots
        self._each = max(1, concurrency - 1)
        self._bytes = budget_bytes // 2
        self._waste_s = waste_s
        self._rigs: dict[str, Rig] = {}
        self.dropped: Counter[str] = Counter()
        self.trouble = Trouble(
            "a rig sends without pause what comes to nothing, it is not looked at", "every rig's messages are looked at"
        )

    def takes(self, rig: str, delivery: Delivery, *, alone: bool) -> bool:
        """Whether to work on a message; if so, it counts as in hand until `done`.

        Args:
            rig: whose it is.
            delivery: the message.
            alone: whether the broker sends one at a time, so that it does not show how many wait behind it.
        """
        sender = self._rig(rig)
        sender.forgive(self._waste_s)
        is_flood = alone or sender.messages >= _WINDOW or sender.bytes + len(delivery.payload) > self._bytes
        if is_flood and sender.left_s <= 0:
            self.trouble.began(f"rig {rig[:64]!r}", rig)
            self.dropped[rig] += 1
            return False
        self.trouble.ended(rig)
        sender.messages += 1
        sender.bytes += len(delivery.payload)
        return True

    def done(self, rig: str, delivery: Delivery) -> None:
        """A message is not in hand any more."""
        sender = self._rig(rig)
        sender.messages -= 1
        sender.bytes -= len(delivery.payload)

    @asynccontextmanager
    async def turn(self, rig: str) -> AsyncIterator["Turn"]:
        """A slot for the length of the block, once it is this rig's turn."""
        sender = self._rig(rig)
        async with sender.slots:
            await self._slots.take()
            turn = Turn(self._slots)
            token = _turn.set(turn)
            began = time.monotonic()
            try:
                yield turn
            finally:
                _turn.reset(token)
                self._slots.give()
                if turn.outcome in {Outcome.REJECTED, Outcome.DUPLICATE}:
                    sender.left_s -= min(_MOST_S, time.monotonic() - began - turn.rested_s)

    def _rig(self, name: str) -> Rig:
        rig = self._rigs.get(name)
        if rig is None:
            if len(self._rigs) >= _MAX_RIGS:
                self._forget()
            rig = self._rigs[name] = Rig(asyncio.Semaphore(self._each), self._waste_s)
        return rig

    def _forget(self) -> None:
        """Forget the rigs of which nothing is in hand, and what was dropped of them."""
        self._rigs = {name: rig for name, rig in self._rigs.items() if rig.messages}
        self.dropped = Counter({name: count for name, count in self.dropped.items() if name in self._rigs})


@dataclass(slots=True)
class Turn:
    """A slot that a message has, and may lend to others while it rests."""

    slots: Slots
    outcome: Outcome | None = None
    rested_s: float = 0.0


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


async def rest(seconds: float) -> None:
    """Sleep without a slot: for a message that waits for somebody's lock, and holds up others for no reason."""
    turn = _turn.get()
    if turn is None:
        await asyncio.sleep(seconds)
        return
    turn.slots.give()
    began = time.monotonic()
    try:
        await asyncio.sleep(seconds)
    finally:
        # Cancelled, too, it takes the slot back, which whoever gave it to it gives back.
        await uninterrupted(turn.slots.take(), name="a slot again")
        turn.rested_s += time.monotonic() - began
