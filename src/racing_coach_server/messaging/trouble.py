"""A state of trouble that is logged when it begins and when it ends, and not at every try."""

import time

import structlog

log = structlog.stdlib.get_logger(__name__)


class Trouble:
    """Whether something is in trouble, since when and why."""

    def __init__(self, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self._since: float | None = None
        self.reason: str | None = None

    def __bool__(self) -> bool:
        return self._since is not None

    def began(self, reason: str) -> None:
        """Something failed; logged if it worked before."""
        if self._since is None:
            self._since = time.monotonic()
            log.error(self._begins, reason=reason)
        self.reason = reason

    def ended(self) -> None:
        """Something worked; logged if it failed before."""
        if self._since is not None:
            log.info(self._ends, after_s=round(time.monotonic() - self._since, 1))
        self._since = None
        self.reason = None
