"""How much may be held of what came and is not done with; above it the socket is not read."""

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class ReceiveBudget(BaseModel):
    """How many messages, and how many bytes of them, may be held unacknowledged."""

    model_config = ConfigDict(extra="forbid")

    messages: int = Field(default=64, ge=1, description="reading stops above")
    bytes: int = Field(default=48 * 2**20, ge=1, description="reading stops above; one message may exceed it")


class Reader(Protocol):
    """What stopped reading."""

    def read_on(self) -> None:
        """Read again if the budget allows."""


@dataclass(slots=True)
class HeldBytes:
    """What is held unacknowledged; shared by successive connections so that the bound holds across them.

    `paused` is the connection's inbox that stopped reading over it. What makes room for it to read on may have come
    with an earlier one.
    """

    messages: int = 0
    bytes: int = 0
    paused: Reader | None = field(default=None, repr=False)

    def add(self, size: int) -> None:
        """A message came."""
        self.messages += 1
        self.bytes += size

    def release(self, size: int) -> None:
        """A message is done with; whichever connection waited for room reads on."""
        self.messages -= 1
        self.bytes -= size
        if self.paused is not None:
            self.paused.read_on()

    def is_over(self, budget: ReceiveBudget) -> bool:
        """Whether no more may be read."""
        return self.messages >= budget.messages or self.bytes >= budget.bytes
