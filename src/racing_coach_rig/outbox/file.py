"""The outbox's file: its schema, how it is opened, and one transaction at a time.

SQLite in WAL mode with `synchronous=FULL`: a commit that returned survives a power cut.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from racing_coach_rig.exceptions import OutboxDamagedError, OutboxError

log = structlog.stdlib.get_logger(__name__)

VERSION: Final = 2
"""Of the schema, in SQLite's `user_version`. 2 has the indexes; a program that knows 1 only can use it too."""

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
create table if not exists accounts (name text primary key, count integer not null);
create table if not exists files (path text primary key, size integer not null, mtime_ns integer not null);
create table if not exists way (reason text not null, since real not null);

-- A row's later columns lie behind its payload: to read one of them, SQLite walks through hundreds of pages. So what
-- chooses, sorts and adds up is in an index, and only the rows that were chosen are read.
drop index if exists laps_state;
create index if not exists laps_to_send on laps (state, sent, seq, due_at, session_id);
create index if not exists laps_of_session on laps (session_id, seq);
create index if not exists laps_by_age on laps (state, spooled_at);
create index if not exists laps_by_answer on laps (state, answered_at, payload_bytes);
create index if not exists laps_in_trouble on laps (state) where trouble is not null;
create index if not exists laps_bytes on laps (payload_bytes);
"""
_MAGIC: Final = b"SQLite format 3\0"
_BUSY_S: Final = 30.0
_BUSY_STEP_S: Final = 0.02


class OutboxFile:
    """An SQLite file with the outbox's tables. Safe for several threads and several processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        """Which file the connection is to: another program may have put a new one in its place."""

    def open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            OutboxError: it cannot be opened, or a newer program made it.
        """
        deadline = time.monotonic() + _BUSY_S
        while self._connection is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._opened = _identity(self.path)
                self._connection = _connect(self.path)
                self._opened = _identity(self.path)
            except (sqlite3.Error, OSError) as error:
                if _is_damaged(error, self.path):
                    self._set_aside(error)
                    continue
                # The switch to WAL does not wait for another program that makes the file at this moment.
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise OutboxError(self.path, f"cannot be opened: {error}") from error
                time.sleep(_BUSY_STEP_S)

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything in the block, or nothing of it. What is committed is on the disk.

        Raises:
            OutboxError: the file is not open, or SQLite refuses.
        """
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
                if _is_damaged(error, self.path):
                    damaged = self._set_aside(error)
                    self.open()
                    raise damaged from error
                raise OutboxError(self.path, str(error)) from error

    def _set_aside(self, error: Exception) -> OutboxDamagedError:
        """Move a damaged file out of the way of new laps, loudly. What can be saved of it is for a person to say."""
        self.close()
        kept_as = self.path.with_name(f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        try:
            if _identity(self.path) != self._opened:
                return OutboxDamagedError(self.path, str(error), self.path)
            for suffix in ("", "-wal", "-shm"):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.rename(kept_as.with_name(kept_as.name + suffix))
        except OSError as cause:
            raise OutboxError(self.path, f"is damaged ({error}) and cannot be set aside: {cause}") from cause
        damaged = OutboxDamagedError(self.path, str(error), kept_as)
        log.critical("the outbox is damaged, a new one is begun", reason=str(damaged))
        return damaged


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        _check_version(connection, path)
        # Before the first table, or it has no effect: answered laps give their disk back bit by bit.
        connection.execute("pragma auto_vacuum = incremental")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.executescript(_SCHEMA)
        connection.execute(f"pragma user_version = {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse the file of a newer program, before anything is changed in it."""
    (found,) = connection.execute("pragma user_version").fetchone()
    if found > VERSION:
        raise OutboxError(
            path,
            f"a newer racing-coach-rig made it: its format is {found}, this program knows formats up to {VERSION}."
            " Update this program, or name another file in RACING_COACH_OUTBOX__PATH",
        )


def _is_damaged(error: Exception, path: Path) -> bool:
    """Whether the file is an outbox that was damaged. A file that was never a database is somebody else's."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CORRUPT:
        return True
    if code != sqlite3.SQLITE_NOTADB:
        return False
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    return head == _MAGIC or not any(head)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _is_busy(error: Exception) -> bool:
    # The low byte is the code, the rest says more about it.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
