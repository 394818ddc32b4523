"""Laps on disk until they are answered.

A lap is committed and synced before it is first published, and leaves only on an answer with the hash of the
very bytes that were sent. SQLite in WAL mode with `synchronous=FULL`: a commit that returned survives a power cut.
"""

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from racing_coach_core.codecs.decode import CONTENT_TYPES, Encoding, encode_lap
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapStatus, LapUploadResponse
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.exceptions import OutboxError, OutboxFullError

_SCHEMA: Final = """
create table if not exists laps (
    seq            integer primary key autoincrement,
    lap_id         text not null,
    session_id     text not null,
    lap_number     integer not null,
    car_id         text not null,
    title          text not null,
    content_type   text not null,
    payload        blob not null,
    payload_bytes  integer not null,
    payload_sha256 text not null,
    state          text not null check (state in ('waiting', 'stored', 'rejected')),
    spooled_at     real not null,
    sent           integer not null default 0,
    due_at         real not null default 0,
    trouble        text,
    answer         text,
    answered_at    real,
    unique (payload_sha256, car_id)
);
create index if not exists laps_state on laps (state, due_at);
create table if not exists accounts (name text primary key, count integer not null);
create table if not exists files (path text primary key, size integer not null, mtime_ns integer not null);
"""
_VERSION: Final = 1
_DAY_S: Final = 86_400.0
_RECEIPT_DAYS: Final = 1.0
_BUSY_S: Final = 30.0
_BUSY_STEP_S: Final = 0.02


class State(StrEnum):
    """Where a lap stands."""

    WAITING = "waiting"
    STORED = "stored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """A lap in the outbox, without its payload."""

    seq: int
    lap_id: UUID
    session_id: UUID
    lap_number: int
    car_id: str
    title: str
    content_type: str
    payload_bytes: int
    payload_sha256: str
    state: State
    spooled_at: float
    sent: int
    due_at: float
    trouble: str | None
    answer: LapUploadResponse | None


_COLUMNS: Final = (
    "seq, lap_id, session_id, lap_number, car_id, title, content_type, payload_bytes, payload_sha256, state, "
    "spooled_at, sent, due_at, trouble, answer"
)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the outbox has done since it was made."""

    spooled: int
    sent: int
    stored: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the outbox now."""

    waiting: int
    rejected: int
    kept: int
    bytes: int
    oldest_waiting_at: float | None


class Outbox:
    """The laps of one rig. Safe for several threads and several processes."""

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @property
    def path(self) -> Path:
        """The database file."""
        return self._settings.path

    def open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            OutboxError: it cannot be opened.
        """
        deadline = time.monotonic() + _BUSY_S
        while self._connection is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = _connect(self.path)
            except (sqlite3.Error, OSError) as error:
                # The switch to WAL does not wait for another program that makes the file at this moment.
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise OutboxError(self.path, f"cannot be opened: {error}") from error
                time.sleep(_BUSY_STEP_S)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection is None:
                raise OutboxError(self.path, "is not open")
            try:
                self._connection.execute("begin immediate")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("rollback")
                    raise
                self._connection.execute("commit")
            except sqlite3.Error as error:
                raise OutboxError(self.path, str(error)) from error

    def spool(self, lap: Lap, encoding: Encoding, *, again: bool = True) -> Entry:
        """Put a lap on disk; once this returns it is synced.

        Args:
            lap: the lap.
            encoding: how it is written.
            again: send bytes that were answered lately once more; else they are left as they are.

        Raises:
            OutboxFullError: no room; nothing that waits is ever dropped for it.
            OutboxError: the disk refuses.
        """
        payload = encode_lap(lap, encoding)
        digest = payload_sha256(payload)
        session = lap.session
        title = f"{session.track_name}, {session.car_name}, lap {lap.lap_number}"
        with self._transaction() as db:
            known = db.execute(
                "select state from laps where payload_sha256 = ? and car_id = ?", (digest, session.car_id)
            ).fetchone()
            if known is None or (again and known[0] != State.WAITING):
                self._make_room(db, len(payload))
                db.execute(
                    "insert into laps (lap_id, session_id, lap_number, car_id, title, content_type, payload,"
                    " payload_bytes, payload_sha256, state, spooled_at) values (?,?,?,?,?,?,?,?,?,'waiting',?)"
                    " on conflict (payload_sha256, car_id) do update set state = 'waiting', answer = null,"
                    " answered_at = null, due_at = 0, sent = 0, trouble = null, payload = excluded.payload,"
                    " payload_bytes = excluded.payload_bytes, spooled_at = excluded.spooled_at",
                    (
                        *(str(lap.lap_id), str(session.session_id), lap.lap_number, session.car_id, title),
                        *(CONTENT_TYPES[encoding], payload, len(payload), digest, time.time()),
                    ),
                )
                _count(db, "spooled")
            row = db.execute(
                f"select {_COLUMNS} from laps where payload_sha256 = ? and car_id = ?",  # noqa: S608 (a constant)
                (digest, session.car_id),
            ).fetchone()
        return _entry(row)

    def _make_room(self, db: sqlite3.Connection, size: int) -> None:
        """Let go of stored laps that are only kept, oldest first; never of one that waits or was rejected."""
        limit = self._settings.max_bytes
        used = _used(db)
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
        with self._transaction() as db:
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

        In the order in which they were driven; once `long_backlog` laps wait, the newest session goes first,
        since its driver is waiting for the coach.

        Args:
            limit: most entries.
            long_backlog: see above.
            besides: entries that are on their way already.
            horizon_s: nothing is ever put off for longer. What seems to be was put off by a clock that was wrong
                then, or is now: it is due.
        """
        now = time.time()
        with self._transaction() as db:
            (waiting,) = db.execute("select count(*) from laps where state = 'waiting'").fetchone()
            newest_first = (
                "(select max(s.seq) from laps s where s.session_id = laps.session_id) desc, "
                if waiting >= long_backlog
                else ""
            )
            rows = db.execute(
                f"select {_COLUMNS} from laps where state = 'waiting'"  # noqa: S608 (constants)
                f" and (due_at <= ? or due_at > ?) order by {newest_first} seq limit ?",
                (now, now + horizon_s, limit + len(besides)),
            ).fetchall()
        return [entry for entry in map(_entry, rows) if entry.seq not in besides][:limit]

    def sent(self, seq: int, *, again_at: float, trouble: str | None) -> None:
        """A lap was published; without an answer it is due again at this Unix time."""
        with self._transaction() as db:
            db.execute(
                "update laps set sent = sent + 1, due_at = ?, trouble = ? where seq = ? and state = 'waiting'",
                (again_at, trouble, seq),
            )
            _count(db, "sent")

    def note(self, seq: int, *, due_at: float, trouble: str | None) -> None:
        """What is known of a lap that was sent: when it is due again, and what is wrong if it was not accepted."""
        with self._transaction() as db:
            db.execute(
                "update laps set due_at = ?, trouble = ? where seq = ? and state = 'waiting'",
                (due_at, trouble, seq),
            )

    def set_aside(self, seq: int, reason: str) -> None:
        """A lap that can never be sent, such as one larger than the broker takes."""
        with self._transaction() as db:
            db.execute(
                "update laps set state = 'rejected', trouble = ?, answered_at = ? where seq = ?",
                (reason, time.time(), seq),
            )
            _count(db, "rejected")

    def all_due_now(self) -> None:
        """The broker has forgotten us: whatever was sent and not answered is sent again at once."""
        with self._transaction() as db:
            db.execute("update laps set due_at = 0 where state = 'waiting'")

    def answered(self, answer: LapUploadResponse) -> bool:
        """Take an answer: a stored lap is deleted (or kept for a while), a rejected one is set aside.

        Of a deleted lap the receipt stays for a day, without the payload: whoever spooled it can still look.

        Matched by the hash of the payload alone. The lap id would match another payload of the same lap too,
        whose content may not be what is stored.

        Returns:
            Whether a lap was waiting for it.
        """
        stored = answer.status is not LapStatus.REJECTED
        empty = stored and self._settings.keep_days == 0
        with self._transaction() as db:
            changed = db.execute(
                "update laps set state = ?, answer = ?, answered_at = ?, trouble = null,"
                " payload = case when ? then x'' else payload end,"
                " payload_bytes = case when ? then 0 else payload_bytes end"
                " where payload_sha256 = ? and state = 'waiting'",
                (
                    State.STORED if stored else State.REJECTED,
                    answer.model_dump_json(),
                    time.time(),
                    empty,
                    empty,
                    answer.payload_sha256,
                ),
            ).rowcount
            # A daemon answers: what nobody took before may be tried again.
            db.execute("update laps set due_at = 0 where state = 'waiting' and trouble is not null")
            if changed:
                names = {LapStatus.SUCCESS: "stored", LapStatus.DUPLICATE: "duplicate"}
                _count(db, names.get(answer.status, "rejected"), changed)
        return changed > 0

    def tidy(self) -> int:
        """Delete what was kept long enough, and give disk back. Returns how many laps."""
        limit = time.time() - max(self._settings.keep_days, _RECEIPT_DAYS) * _DAY_S
        with self._transaction() as db:
            count = db.execute("delete from laps where state = 'stored' and answered_at <= ?", (limit,)).rowcount
            db.execute("pragma incremental_vacuum").fetchall()
        return count

    def file_is_new(self, path: Path, size: int, mtime_ns: int) -> bool:
        """Whether a file was not read before in this state."""
        with self._transaction() as db:
            row = db.execute("select size, mtime_ns from files where path = ?", (str(path),)).fetchone()
        return bool(row != (size, mtime_ns))

    def file_was_read(self, path: Path, size: int, mtime_ns: int) -> None:
        """Remember that a file's laps are spooled."""
        with self._transaction() as db:
            db.execute("insert or replace into files values (?, ?, ?)", (str(path), size, mtime_ns))

    def entries(self, state: State | None = None, *, limit: int = 1000) -> list[Entry]:
        """The laps in the outbox, oldest first."""
        where = "" if state is None else "where state = ?"
        with self._transaction() as db:
            rows = db.execute(
                f"select {_COLUMNS} from laps {where} order by seq limit ?",  # noqa: S608 (constants)
                (*(() if state is None else (state,)), limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    def entry(self, seq: int) -> Entry | None:
        """One lap, None once it is forgotten."""
        with self._transaction() as db:
            row = db.execute(f"select {_COLUMNS} from laps where seq = ?", (seq,)).fetchone()  # noqa: S608
        return None if row is None else _entry(row)

    def retry_rejected(self) -> int:
        """Send rejected laps again. Returns how many."""
        with self._transaction() as db:
            return db.execute(
                "update laps set state = 'waiting', due_at = 0, answer = null, trouble = null where state = 'rejected'"
            ).rowcount

    def drop_rejected(self) -> int:
        """Delete rejected laps for good. Returns how many."""
        with self._transaction() as db:
            return db.execute("delete from laps where state = 'rejected'").rowcount

    def accounts(self) -> Accounts:
        """What was done since the outbox was made."""
        with self._transaction() as db:
            counts = dict(db.execute("select name, count from accounts").fetchall())
        return Accounts(**{name: counts.get(name, 0) for name in Accounts.__slots__})

    def contents(self) -> Contents:
        """What is in the outbox now."""
        with self._transaction() as db:
            counts = dict(db.execute("select state, count(*) from laps group by state").fetchall())
            (oldest,) = db.execute("select min(spooled_at) from laps where state = 'waiting'").fetchone()
            used = _used(db)
        return Contents(
            waiting=counts.get(State.WAITING, 0),
            rejected=counts.get(State.REJECTED, 0),
            kept=counts.get(State.STORED, 0),
            bytes=used,
            oldest_waiting_at=oldest,
        )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        # Before the first table, or it has no effect: answered laps give their disk back bit by bit.
        connection.execute("pragma auto_vacuum = incremental")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.executescript(_SCHEMA)
        connection.execute(f"pragma user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_busy(error: Exception) -> bool:
    # The low byte is the code, the rest says more about it.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _used(db: sqlite3.Connection) -> int:
    return int(db.execute("select coalesce(sum(payload_bytes), 0) from laps").fetchone()[0])


def _count(db: sqlite3.Connection, name: str, count: int = 1) -> None:
    db.execute(
        "insert into accounts values (?, ?) on conflict (name) do update set count = count + excluded.count",
        (name, count),
    )


def _entry(row: tuple[object, ...]) -> Entry:
    values = dict(zip(Entry.__slots__, row, strict=True))
    answer = values["answer"]
    return Entry(
        **{
            **values,
            "lap_id": UUID(str(values["lap_id"])),
            "session_id": UUID(str(values["session_id"])),
            "state": State(str(values["state"])),
            "answer": None if answer is None else LapUploadResponse.model_validate_json(str(answer)),
        }  # type: ignore[arg-type]  # the columns are in the order of the fields
    )
