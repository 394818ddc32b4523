"""A state of trouble that is logged when it begins and when it ends, and not at every try."""

import time
from collections.abc import Callable, Hashable

import structlog

log = structlog.stdlib.get_logger(__name__)


class Trouble:
    """Who is in trouble of one kind, and why; several may be at once, and it ends with the last of them."""

    def __init__(self, begins: str, ends: str) -> None:
        """Name the trouble.

        Args:
            begins: the log event when the first gets into trouble.
            ends: the log event when the last is out of it.
        """
        self._begins = begins
        self._ends = ends
        self._since = 0.0
        self._reasons: dict[Hashable, str] = {}
        self.changed: Callable[[], None] = lambda: None
        """Called after every change; for whoever shows how things are."""

    def __bool__(self) -> bool:
        return bool(self._reasons)

    @property
    def reason(self) -> str | None:
        """Why the one that failed last is in trouble, None if nobody is."""
        return next(reversed(self._reasons.values()), None)

    def __str__(self) -> str:
        """What it is and why, empty while nobody is in it."""
        return f"{self._begins}: {self.reason}" if self._reasons else ""

    def began(self, reason: str, who: Hashable = None) -> None:
        """Something failed for somebody; logged if nobody was in trouble before."""
        if not self._reasons:
            self._since = time.monotonic()
            log.error(self._begins, reason=reason)
        self._reasons.pop(who, None)
        self._reasons[who] = reason
        self.changed()

    def ended(self, who: Hashable = None) -> None:
        """It worked for somebody; logged if nobody else is in trouble any more."""
        if self._reasons.pop(who, None) is None:
            return
        if not self._reasons:
            log.info(self._ends, after_s=round(time.monotonic() - self._since, 1))
        self.changed()

    def left(self, who: Hashable) -> None:
        """Somebody gave up waiting: nothing is known of whether it would work now."""
        if self._reasons.pop(who, None) is not None:
            self.changed()
