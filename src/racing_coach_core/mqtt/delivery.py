"""A message as it came, tied to the connection that must acknowledge it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Origin(Protocol):
    """The connection on which a message came."""

    def acknowledge(self, receipt: "Receipt") -> None:
        """Send the PUBACK."""

    def release(self, delivery: "Delivery") -> None:
        """Give the message's memory back to the budget."""


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """What it takes to acknowledge a delivery, without its payload: the connection it came on, and its packet id."""

    connection: Origin = field(repr=False)
    packet_id: int
    qos: int

    def acknowledge(self) -> None:
        """Send the PUBACK.

        Raises:
            ConnectionLostError: the connection is gone; the broker will send the message again.
        """
        self.connection.acknowledge(self)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One message.

    Attributes:
        duplicate: the broker has sent it before, and knows it.
        content_type: as the sender set it; what is not UTF-8 in it is replaced.
        response_topic: the same.
        correlation_data: the same bytes as the sender's.
        received_at: when the last byte of it was here.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | None
    received_at: datetime
    receipt: Receipt

    def acknowledge(self) -> None:
        """Send the PUBACK.

        Raises:
            ConnectionLostError: its connection is gone; the broker will send the message again.
        """
        self.receipt.acknowledge()

    def release(self) -> None:
        """Give the memory back to the budget; once, when the message is done with, acknowledged or not."""
        self.receipt.connection.release(self)
