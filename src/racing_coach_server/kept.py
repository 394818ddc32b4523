"""What a feature keeps of laps: shown to those whose laps they are, and forgotten with the laps."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


class Dependents(Enum):
    """What becomes of laps that stay, and of which something was said by a lap that goes."""

    REDO = auto()
    """It is forgotten, and made anew from what is left: as if the lap had never been there."""
    KEEP = auto()
    """It stays as it was said; only the way back to the lap is gone."""


class KeptOfLaps(ABC):
    """What one feature keeps of laps, in a transaction that somebody else opened. Flushes; the caller commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @abstractmethod
    async def lock(self, lap_ids: Sequence[UUID]) -> None:
        """Wait until nobody of this feature works on these laps, and keep it so to the end of the transaction."""

    @abstractmethod
    async def of(self, lap_id: UUID) -> dict[str, Any]:
        """All that is kept of a lap but its frames, as values that become JSON; empty if there is nothing."""

    @abstractmethod
    async def forget(self, lap_ids: Sequence[UUID], dependents: Dependents) -> Counter[str]:
        """Forget it.

        Returns:
            How many rows are gone, by what they are in the plural.
        """


type MakeKept = Callable[[AsyncSession], KeptOfLaps]
