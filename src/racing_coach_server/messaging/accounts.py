"""What became of every message since the start."""

import time
from collections import Counter
from collections.abc import Hashable
from datetime import UTC, datetime

from racing_coach_core.messages import LapAccounts
from racing_coach_server.messaging.messages import Outcome


class Accounts:
    """Counts messages so that received == stored + duplicate + rejected + in flight at every moment."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._in_flight: dict[Hashable, float] = {}
        self.rows_stored = 0
        self.last_stored_at: datetime | None = None

    def took(self, key: Hashable) -> None:
        """A message was taken in hand."""
        self._in_flight[key] = time.monotonic()

    def finished(self, key: Hashable, outcome: Outcome, rows: int) -> None:
        """A message was committed."""
        del self._in_flight[key]
        self._outcomes[outcome] += 1
        if outcome is Outcome.STORED:
            self.rows_stored += rows
            self.last_stored_at = datetime.now(UTC)

    def abandoned(self, key: Hashable) -> None:
        """A message was given back to the broker: it will be received again."""
        self._in_flight.pop(key, None)

    @property
    def in_flight(self) -> int:
        """How many messages are being worked on."""
        return len(self._in_flight)

    def snapshot(self) -> LapAccounts:
        """The counts as the heartbeat reports them."""
        oldest = min(self._in_flight.values(), default=None)
        done = self._outcomes
        return LapAccounts(
            received=done.total() + self.in_flight,
            stored=done[Outcome.STORED],
            duplicate=done[Outcome.DUPLICATE],
            rejected=done[Outcome.REJECTED],
            in_flight=self.in_flight,
            oldest_in_flight_s=None if oldest is None else round(time.monotonic() - oldest, 3),
            last_stored_at=self.last_stored_at,
        )
