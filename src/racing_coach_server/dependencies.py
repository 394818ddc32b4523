"""What features are given to build their handlers."""

from dataclasses import dataclass

from racing_coach_core.topics import Topics
from racing_coach_server.config import Settings


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Settings and topics; a handler's service is made for each transaction by its route."""

    settings: Settings

    @property
    def topics(self) -> Topics:
        """The wire contract's topics below the configured prefix."""
        return self.settings.mqtt.topics
