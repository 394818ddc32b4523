"""What `systemctl status` shows of the daemon: whether it takes messages, and every trouble for as long as it lasts."""

from collections.abc import Sequence

from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.sd_notify import notify


class ServiceStatus:
    """Tells systemd how things are, at every change."""

    def __init__(self, well: str, troubles: Sequence[Trouble]) -> None:
        """Follow what may be wrong.

        Args:
            well: what to say while nothing is.
            troubles: what may be, the worst first.
        """
        self._well = well
        self._troubles = troubles
        self._is_ready = False
        self._said: str | None = None
        for trouble in troubles:
            trouble.changed = self._tell

    def waiting(self, what_for: str) -> None:
        """Not ready yet."""
        self._say(f"waiting: {what_for}")

    def ready(self) -> None:
        """Messages are taken; also after each time that the broker was away."""
        self._is_ready = True
        notify("READY=1")
        self._tell()

    def stopping(self, words: str) -> None:
        """On the way out, where trouble is of no interest any more."""
        self._is_ready = False
        notify("STOPPING=1", f"STATUS={words}")

    def _tell(self) -> None:
        if self._is_ready:
            self._say("; ".join(filter(None, map(str, self._troubles))) or self._well)

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            notify(f"STATUS={words}")
