"""What can be wrong with a database that is distributed, or is to be."""

from racing_coach_core.exceptions import Fault
from racing_coach_server.exceptions import ServerError


class DatabaseFormError(ServerError):
    """Base of what can be wrong with the database's form.

    DatabaseFormError
    ├── CannotDistributeError   it cannot be distributed as it is
    └── NotTheCoordinatorError  this node takes no change of the schema
    """


class CannotDistributeError(DatabaseFormError):
    """The database cannot be distributed as it is.

    Attributes:
        reason: what is in the way.
        remedy: what to do.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"the database cannot be distributed: {reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


class NotTheCoordinatorError(DatabaseFormError):
    """A node of a distributed database that takes no change of the schema; the coordinator does, and then this one."""

    fault = Fault.WORLD

    def __init__(self, coordinator: str, revision: str | None, needed: str | None) -> None:
        super().__init__(
            f"the database is at revision {revision}, this version needs {needed}, and this node cannot change it: run "
            f"`racing-coach db upgrade` with RACING_COACH_DATABASE__URL at the coordinator, {coordinator}"
        )
        self.coordinator = coordinator
