"""What became of every message since the start."""

import time
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime

from racing_coach_server.messaging.messages import Outcome


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of one route's messages: received == stored + duplicate + rejected + in_flight."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    in_flight: int = 0
    oldest_in_flight_s: float | None = None
    last_stored_at: datetime | None = None
    rows_stored: int = 0


class Accounts:
    """Counts one route's messages so that the sum is right at every moment."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._in_flight: dict[Hashable, float] = {}
        self._rows_stored = 0
        self._last_stored_at: datetime | None = None

    def took(self, key: Hashable) -> None:
        """A message was taken in hand."""
        self._in_flight[key] = time.monotonic()

    def finished(self, key: Hashable, outcome: Outcome, rows: int) -> None:
        """A message was committed."""
        del self._in_flight[key]
        self._outcomes[outcome] += 1
        if outcome is Outcome.STORED:
            self._rows_stored += rows
            self._last_stored_at = datetime.now(UTC)

    def abandoned(self, key: Hashable) -> None:
        """A message was given back to the broker: it will be received again."""
        self._in_flight.pop(key, None)

    def counts(self) -> Counts:
        """The counts of this moment."""
        oldest = min(self._in_flight.values(), default=None)
        done = self._outcomes
        return Counts(
            received=done.total() + len(self._in_flight),
            stored=done[Outcome.STORED],
            duplicate=done[Outcome.DUPLICATE],
            rejected=done[Outcome.REJECTED],
            in_flight=len(self._in_flight),
            oldest_in_flight_s=None if oldest is None else round(time.monotonic() - oldest, 3),
            last_stored_at=self._last_stored_at,
            rows_stored=self._rows_stored,
        )
