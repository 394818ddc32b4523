"""How messaging is, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from racing_coach_server.messaging.accounts import Counts


@dataclass(frozen=True, slots=True)
class MessagingStatus:
    """One moment of messaging.

    Attributes:
        connected_since: when the connection to the broker was made, None while there is none.
        reconnects: how often it was made again since the start.
        database_trouble: why messages wait for the database, None if none does.
        answer_trouble: why the broker refuses answers, None if it does not.
        counts: what became of the messages, by the nouns of their routes.
    """

    connected_since: datetime | None
    reconnects: int
    database_trouble: str | None
    answer_trouble: str | None
    counts: Mapping[str, Counts]

    @property
    def trouble(self) -> str | None:
        """What is wrong with messages, None if nothing is."""
        return self.database_trouble or self.answer_trouble
