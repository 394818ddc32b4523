"""What the comparison feature raises."""

from uuid import UUID

from racing_coach_core.exceptions import Fault
from racing_coach_server.exceptions import ServerError


class ComparisonError(ServerError):
    """Base of what the comparison feature raises.

    ComparisonError
    ├── NoReferenceError       a lap that others cannot be compared with
    ├── NothingToCompareError  a lap that has nothing to be compared with
    └── NotComparableError     two laps that cannot be compared with one another
    """

    fault = Fault.SENDER


class NoReferenceError(ComparisonError):
    """A lap that others cannot be compared with."""

    def __init__(self, lap_id: UUID, reason: str) -> None:
        super().__init__(f"lap {lap_id} cannot be a reference: {reason}")
        self.lap_id = lap_id
        self.reason = reason


class NothingToCompareError(ComparisonError):
    """A lap that has nothing to be compared with, or says nothing itself."""

    def __init__(self, lap_id: UUID, reason: str) -> None:
        super().__init__(f"lap {lap_id} cannot be compared: {reason}")
        self.lap_id = lap_id
        self.reason = reason


class NotComparableError(ComparisonError):
    """Two laps that cannot be compared with one another."""

    def __init__(self, lap_id: UUID, other_id: UUID, reason: str) -> None:
        super().__init__(f"laps {lap_id} and {other_id} cannot be compared: {reason}")
        self.lap_id = lap_id
        self.other_id = other_id
        self.reason = reason
