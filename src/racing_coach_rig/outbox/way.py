"""How the way to the broker is, for programs that do not send themselves."""

import time
from dataclasses import dataclass

from racing_coach_rig.outbox.file import OutboxFile


@dataclass(frozen=True, slots=True)
class WayTrouble:
    """What is wrong with the way to the broker.

    Attributes:
        reason: in words.
        since: Unix time in s at which it was first found so.
    """

    reason: str
    since: float


class Way:
    """What the program that sent last found of the way to the broker. It lies in the outbox's file, as the laps do."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file

    def is_blocked(self, reason: str) -> None:
        """Nothing could be sent."""
        with self._file.transaction() as db:
            db.execute("delete from way where reason is not ?", (reason,))
            db.execute("insert into way select ?, ? where not exists (select * from way)", (reason, time.time()))

    def is_open(self) -> None:
        """The broker is reached."""
        with self._file.transaction() as db:
            db.execute("delete from way")

    def trouble(self) -> WayTrouble | None:
        """What the last try to reach the broker found; None if it was reached."""
        with self._file.transaction() as db:
            row = db.execute("select reason, since from way").fetchone()
        return None if row is None else WayTrouble(*row)
