"""The daemon's two connections to the broker: messages come in on one, answers and health go out on the other.

Above the memory budget the incoming connection is not read. On one connection the broker's PUBACK for an answer would
then wait behind the messages that are not read, and the message that was answered would wait for that PUBACK. So what
goes out has a connection of its own, on which nothing comes but small packets.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt.budget import HeldBytes
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_core.mqtt.will import Will
from racing_coach_server.config import Settings
from racing_coach_server.messaging.ordered_acks import OrderedAcks

_AT_ONCE_S: Final = 2.0
_ONE_FOR_EACH_USER: Final = (
    "the first of our two connections ended as soon as the second was there: if this listener takes the user name for "
    "the client id, as that for rigs does, the daemon needs the other one (RACING_COACH_MQTT__PORT=1884 with our "
    "mosquitto.conf)"
)


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
        return await first_of(self.incoming.ended(), self.outgoing.ended())


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
        # What a broker keeps for a member of a shared group that is gone, no other member gets. So it keeps nothing: a
        # cluster gives what was not acknowledged to the others, and what mosquitto forgets, the rigs send again.
        clean=settings.shared_group is not None,
        will=will,
        budget=settings.delivery.budget,
        held=held,
    )
    async with outgoing, incoming:
        since = time.monotonic()
        try:
            yield Link(incoming, outgoing)
        except ConnectionLostError as error:
            if incoming.alive and not outgoing.alive and time.monotonic() - since < _AT_ONCE_S:
                raise ConnectionLostError(f"{error}; {_ONE_FOR_EACH_USER}") from error
            raise
