"""Laps on disk until they are answered.

A lap is committed and synced before it is first published, and leaves only on an answer with the hash of the
very bytes that were sent.
"""

import math
import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.messages import LapUploadResponse
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.exceptions import OutboxDamagedError, OutboxFullError
from racing_coach_rig.outbox import rows
from racing_coach_rig.outbox.accounts import Accounts, Contents, count, payload_bytes, read_accounts, read_contents
from racing_coach_rig.outbox.answers import settle
from racing_coach_rig.outbox.entry import COLUMNS, Entry, State, entry_of
from racing_coach_rig.outbox.file import OutboxFile
from racing_coach_rig.outbox.queue import next_due
from racing_coach_rig.outbox.watched_files import WatchedFiles
from racing_coach_rig.outbox.way import Way

if TYPE_CHECKING:
    from racing_coach_core.codecs.decode import WirePayload
    from racing_coach_core.lap import Lap

_DAY_S: Final = 86_400.0
_RECEIPT_DAYS: Final = 1.0


class Outbox:
    """The laps of one rig. Safe for several threads and several processes.

    As a context manager it is open for the length of the block.
    """

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._file = OutboxFile(settings.path)
        self.files = WatchedFiles(self._file)
        """Which watched files were read."""
        self.way = Way(self._file)
        """How the way to the broker is."""

    @property
    def path(self) -> Path:
        """The database file."""
        return self._settings.path

    def open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            OutboxError: it cannot be opened, or a newer program made it.
        """
        self._file.open()

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        self._file.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def spool(self, lap: "Lap", encoding: Encoding, *, again: bool = True) -> Entry:
        """Put a lap on disk; once this returns it is synced.

        Args:
            lap: the lap.
            encoding: how it is written.
            again: whether bytes that were answered within the last day are sent once more.

        Raises:
            OutboxFullError: no room; nothing that waits is ever dropped for it.
            OutboxError: the disk refuses.
        """
        # To look at what waits, no lap is written, and Arrow need not be imported.
        from racing_coach_core.codecs.decode import wire_payload  # noqa: PLC0415

        wire = wire_payload(lap, encoding)
        try:
            return self._spool(lap, wire, again=again)
        except OutboxDamagedError:
            return self._spool(lap, wire, again=again)

    def _spool(self, lap: "Lap", wire: "WirePayload", *, again: bool) -> Entry:
        same = (wire.sha256, lap.session.car_id)
        with self._file.transaction() as db:
            known = db.execute("select state from laps where payload_sha256 = ? and car_id = ?", same).fetchone()
            if known is None or (again and known[0] != State.WAITING):
                self._make_room(db, len(wire.content))
                rows.insert(db, lap, wire)
                count(db, "spooled")
            row = db.execute(
                f"select {COLUMNS} from laps where payload_sha256 = ? and car_id = ?",  # noqa: S608 (a constant)
                same,
            ).fetchone()
        return entry_of(row)

    def _make_room(self, db: sqlite3.Connection, size: int) -> None:
        """Let go of stored laps that are only kept, oldest first; never of one that waits or was rejected."""
        limit = self._settings.max_bytes
        used = payload_bytes(db)
        for seq, length in db.execute(
            "select seq, payload_bytes from laps where state = 'stored' order by answered_at"
        ).fetchall():
            if used + size <= limit:
                break
            db.execute("delete from laps where seq = ?", (seq,))
            used -= length
        if used + size > limit:
            raise OutboxFullError(self.path, used, limit)

    def payload(self, seq: int) -> bytes | None:
        """A waiting lap's payload, None if it was answered meanwhile."""
        with self._file.transaction() as db:
            row = db.execute("select payload from laps where seq = ? and state = 'waiting'", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def due(
        self,
        *,
        limit: int,
        long_backlog: int,
        besides: frozenset[int] = frozenset(),
        horizon_s: float = math.inf,
    ) -> list[Entry]:
        """The laps to send next.

        Those that were sent less often go first, so that laps that are never answered hold up no other. Of these the
        order is that in which they were driven; once `long_backlog` laps wait, the newest session goes first, since
        its driver is waiting for the coach.

        Args:
            limit: most entries.
            long_backlog: from so many waiting laps on the newest session goes first.
            besides: entries that are on their way already.
            horizon_s: seconds; nothing is ever put off for longer. A lap that seems to be was put off when the clock
                was wrong, or the clock is wrong now: it is due.
        """
        with self._file.transaction() as db:
            return next_due(
                db, now=time.time(), limit=limit, long_backlog=long_backlog, besides=besides, horizon_s=horizon_s
            )

    def sent(self, seq: int, *, again_at: float, trouble: str | None) -> None:
        """A lap was published; without an answer it is due again at `again_at`, Unix time in s."""
        with self._file.transaction() as db:
            db.execute(
                "update laps set sent = sent + 1, due_at = ?, trouble = ? where seq = ? and state = 'waiting'",
                (again_at, trouble, seq),
            )
            count(db, "sent")

    def note(self, seq: int, *, due_at: float, trouble: str | None) -> None:
        """Note of a lap that was sent when it is due again, Unix time in s, and why it was not accepted."""
        with self._file.transaction() as db:
            db.execute(
                "update laps set due_at = ?, trouble = ? where seq = ? and state = 'waiting'",
                (due_at, trouble, seq),
            )

    def set_aside(self, seq: int, reason: str) -> None:
        """A lap that can never be sent, such as one larger than the broker takes."""
        with self._file.transaction() as db:
            db.execute(
                "update laps set state = 'rejected', trouble = ?, answered_at = ? where seq = ?",
                (reason, time.time(), seq),
            )
            count(db, "rejected")

    def all_due_now(self) -> None:
        """The broker has forgotten us: whatever was sent and not answered is sent again at once."""
        with self._file.transaction() as db:
            db.execute("update laps set due_at = 0 where state = 'waiting'")

    def answered(self, answer: LapUploadResponse) -> bool:
        """Take an answer: a stored lap is deleted (or kept for a while), a rejected one is set aside.

        When a lap's payload is deleted, its receipt stays for a day, so that the program that put the lap on disk can
        still see what became of it.

        The lap is found by the hash of the payload alone. Two payloads of one lap have the same lap id, and the content
        of the other one may not be what is stored.

        Returns:
            Whether a lap was waiting for it.
        """
        with self._file.transaction() as db:
            return settle(db, answer, now=time.time(), keeps_stored=self._settings.keep_days > 0)

    def tidy(self) -> int:
        """Delete what was kept long enough, and give disk back. Returns how many laps."""
        limit = time.time() - max(self._settings.keep_days, _RECEIPT_DAYS) * _DAY_S
        with self._file.transaction() as db:
            count = db.execute("delete from laps where state = 'stored' and answered_at <= ?", (limit,)).rowcount
            db.execute("pragma incremental_vacuum").fetchall()
        return count

    def entries(self, state: State | None = None, *, limit: int = 1000) -> list[Entry]:
        """The laps in the outbox, oldest first."""
        where = "" if state is None else "where state = ?"
        with self._file.transaction() as db:
            rows = db.execute(
                f"select {COLUMNS} from laps {where} order by seq limit ?",  # noqa: S608 (constants)
                (*(() if state is None else (state,)), limit),
            ).fetchall()
        return [entry_of(row) for row in rows]

    def entry(self, seq: int) -> Entry | None:
        """One lap, None once it is forgotten."""
        with self._file.transaction() as db:
            row = db.execute(f"select {COLUMNS} from laps where seq = ?", (seq,)).fetchone()  # noqa: S608
        return None if row is None else entry_of(row)

    def retry_rejected(self) -> int:
        """Send rejected laps again. Returns how many."""
        with self._file.transaction() as db:
            return db.execute(
                "update laps set state = 'waiting', due_at = 0, answer = null, trouble = null where state = 'rejected'"
            ).rowcount

    def drop_rejected(self) -> int:
        """Delete rejected laps for good. Returns how many."""
        with self._file.transaction() as db:
            return db.execute("delete from laps where state = 'rejected'").rowcount

    def drop_waiting(self, seq: int) -> bool:
        """Delete a lap that waits, for good. Returns whether it waited."""
        with self._file.transaction() as db:
            return rows.drop(db, seq)

    def replace_waiting(self, seq: int, lap: "Lap", encoding: Encoding) -> bool:
        """Have another lap sent in the place of one that waits. Returns whether it waited."""
        from racing_coach_core.codecs.decode import wire_payload  # noqa: PLC0415 (as above)

        wire = wire_payload(lap, encoding)
        with self._file.transaction() as db:
            return rows.replace(db, seq, lap, wire)

    def answered_last(self, limit: int) -> list[tuple[Entry, float]]:
        """The laps answered last of which there is a receipt, each with the Unix time in s of its answer."""
        with self._file.transaction() as db:
            found = db.execute(
                f"select answered_at, {COLUMNS} from laps where state = 'stored' and answer is not null"  # noqa: S608
                " order by answered_at desc limit ?",
                (limit,),
            ).fetchall()
        return [(entry_of(row[1:]), row[0]) for row in found]

    def largest_payload(self) -> int:
        """Bytes of the largest lap on disk; 0 where there is none."""
        with self._file.transaction() as db:
            return int(db.execute("select coalesce(max(payload_bytes), 0) from laps").fetchone()[0])

    def accounts(self) -> Accounts:
        """What was done since the outbox was made."""
        with self._file.transaction() as db:
            return read_accounts(db)

    def contents(self) -> Contents:
        """What is in the outbox now."""
        with self._file.transaction() as db:
            return read_contents(db)
