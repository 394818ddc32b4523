"""The daemon's two connections to the broker: laps come in on one, answers and health go out on the other.

Above the memory budget the incoming connection is not read. A PUBACK for an answer would then wait behind the
laps that are not read, and the laps would wait for the answer. So what goes out has a connection of its own, which
is always read, and whose small packets do not queue behind payloads of megabytes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from racing_coach_core.mqtt import Connection, ConnectionLostError, HeldBytes, Will
from racing_coach_server.config import Settings
from racing_coach_server.messaging.ordered_acks import OrderedAcks


@dataclass(frozen=True, slots=True)
class Link:
    """Both connections, and the order in which the messages of this link are acknowledged."""

    incoming: Connection
    outgoing: Connection
    acks: OrderedAcks = field(default_factory=OrderedAcks)

    @property
    def alive(self) -> bool:
        """Whether both stand."""
        return self.incoming.alive and self.outgoing.alive

    async def ended(self) -> ConnectionLostError:
        """Wait for the end of either, and say why it ended."""
        waits = [asyncio.ensure_future(c.ended()) for c in (self.incoming, self.outgoing)]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for wait in waits:
                wait.cancel()


@asynccontextmanager
async def linked(settings: Settings, *, receive_maximum: int, will: Will, held: HeldBytes) -> AsyncIterator[Link]:
    """Connect both for the length of the block.

    Raises:
        BrokerError: one of them was refused, or not reached.
    """
    outgoing = Connection(settings.mqtt, client_id=f"{settings.client_id}-out", clean=True)
    incoming = Connection(
        settings.mqtt,
        client_id=settings.client_id,
        receive_maximum=receive_maximum,
        will=will,
        budget=settings.delivery.budget,
        held=held,
    )
    async with outgoing, incoming:
        yield Link(incoming, outgoing)
