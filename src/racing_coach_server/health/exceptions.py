"""Exceptions of the health feature."""

from racing_coach_server.exceptions import ServerError


class HealthError(ServerError):
    """Base of the health feature.

    HealthError
    └── DatabaseUnhealthyError   the database does not answer a simple question
    """


class DatabaseUnhealthyError(HealthError):
    """The database does not answer, or not as a primary that can be written to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
