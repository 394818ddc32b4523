"""Which of the waiting laps are sent next."""

import sqlite3

from racing_coach_rig.outbox.entry import COLUMNS, Entry, entry_of


def next_due(
    db: sqlite3.Connection, *, now: float, limit: int, long_backlog: int, besides: frozenset[int], horizon_s: float
) -> list[Entry]:
    """The laps to send next at the Unix time `now`. `Outbox.due` says in which order, and what the rest means."""
    (waiting,) = db.execute("select count(*) from laps where state = 'waiting'").fetchone()
    newest_first = (
        "(select max(s.seq) from laps s where s.session_id = laps.session_id) desc, " if waiting >= long_backlog else ""
    )
    # First which ones, of indexes alone; then the rows, of which there are few.
    chosen = [
        seq
        for (seq,) in db.execute(
            "select seq from laps where state = 'waiting' and (due_at <= ? or due_at > ?)"  # noqa: S608 (constants)
            f" order by sent, {newest_first} seq limit ?",
            (now, now + horizon_s, limit + len(besides)),
        )
        if seq not in besides
    ]
    rows = [
        db.execute(f"select {COLUMNS} from laps where seq = ?", (seq,)).fetchone()  # noqa: S608 (a constant)
        for seq in chosen[:limit]
    ]
    return [entry_of(row) for row in rows]
