"""What the outbox has done, and what is in it."""

import sqlite3
from dataclasses import dataclass

from racing_coach_rig.outbox.entry import State


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the outbox has done since it was made.

    Attributes:
        spooled: laps put on disk.
        sent: publications; a lap that was sent twice counts twice.
        stored, duplicate, rejected: laps by their answer. A lap that can never be sent counts as rejected.
    """

    spooled: int
    sent: int
    stored: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the outbox now.

    Attributes:
        waiting, rejected: laps in that state.
        kept: stored laps of which the receipt is kept, or for a while the payload.
        bytes: of all payloads.
        oldest_waiting_at: Unix time in s at which the oldest waiting lap was put on disk, None if none waits.
    """

    waiting: int
    rejected: int
    kept: int
    bytes: int
    oldest_waiting_at: float | None


def count(db: sqlite3.Connection, name: str, number: int = 1) -> None:
    """Add to one of the accounts, named as the field."""
    if not number:
        return
    db.execute(
        "insert into accounts values (?, ?) on conflict (name) do update set count = count + excluded.count",
        (name, number),
    )


def read_accounts(db: sqlite3.Connection) -> Accounts:
    """The accounts as they stand."""
    counts = dict(db.execute("select name, count from accounts").fetchall())
    return Accounts(**{name: counts.get(name, 0) for name in Accounts.__slots__})


def read_contents(db: sqlite3.Connection) -> Contents:
    """Look at all laps."""
    counts = dict(db.execute("select state, count(*) from laps group by state").fetchall())
    (oldest,) = db.execute("select min(spooled_at) from laps where state = 'waiting'").fetchone()
    return Contents(
        waiting=counts.get(State.WAITING, 0),
        rejected=counts.get(State.REJECTED, 0),
        kept=counts.get(State.STORED, 0),
        bytes=payload_bytes(db),
        oldest_waiting_at=oldest,
    )


def payload_bytes(db: sqlite3.Connection) -> int:
    """Bytes of all payloads."""
    return int(db.execute("select coalesce(sum(payload_bytes), 0) from laps").fetchone()[0])
