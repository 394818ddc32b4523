"""What the web process raises, and what is answered then."""

from uuid import UUID

from racing_coach_core.exceptions import Fault
from racing_coach_server.database.replica import Lag
from racing_coach_server.exceptions import ServerError


class WebError(ServerError):
    """Base of what the web process raises.

    WebError
    ├── LapNotFoundError      no such lap is stored
    ├── NothingSaidError      the coach has not spoken of a lap
    ├── NothingDrivenError    a driver has no lap in a car on a track
    ├── BadQueryError         a parameter that cannot be
    ├── ReplicaBehindError    the read replica is too far behind to be read
    └── TooManyViewersError   so many event streams are open that no other is
    """

    fault = Fault.SENDER


class LapNotFoundError(WebError):
    """No such lap is stored."""

    def __init__(self, lap_id: UUID) -> None:
        super().__init__(f"No lap {lap_id} is stored.")
        self.lap_id = lap_id


class NothingSaidError(WebError):
    """The coach has not spoken of a lap."""

    def __init__(self, lap_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.lap_id = lap_id


class NothingDrivenError(WebError):
    """A driver has no lap in a car on a track."""

    def __init__(self, driver: str) -> None:
        super().__init__(f"No lap of {driver} in this car on this track is stored.")
        self.driver = driver


class BadQueryError(WebError):
    """A parameter that cannot be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}.")
        self.name = name


class ReplicaBehindError(WebError):
    """The read replica is too far behind to be read."""

    fault = Fault.WORLD

    def __init__(self, lag: Lag) -> None:
        super().__init__(f"it is one {lag}" if not lag.is_fed else f"it is {lag}")
        self.lag = lag


class TooManyViewersError(WebError):
    """So many event streams are open that no other is."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} pit walls are open already; close one.")
        self.limit = limit
