"""A lap's row in the outbox: written, and written again as another lap."""

import sqlite3
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from racing_coach_core.codecs.decode import WirePayload
    from racing_coach_core.lap import Lap


def insert(db: sqlite3.Connection, lap: "Lap", wire: "WirePayload") -> None:
    """Put a lap on disk, or have one that was answered sent again."""
    db.execute(
        "insert into laps (lap_id, session_id, lap_number, car_id, title, content_type, payload,"
        " payload_bytes, payload_sha256, state, spooled_at) values (?,?,?,?,?,?,?,?,?,'waiting',?)"
        " on conflict (payload_sha256, car_id) do update set state = 'waiting', answer = null,"
        " answered_at = null, due_at = 0, sent = 0, trouble = null, payload = excluded.payload,"
        " payload_bytes = excluded.payload_bytes, spooled_at = excluded.spooled_at",
        (*_values(lap, wire), time.time()),
    )


def replace(db: sqlite3.Connection, seq: int, lap: "Lap", wire: "WirePayload") -> bool:
    """Have another lap sent in the place of one that waits. Returns whether it waited."""
    still = db.execute("select 1 from laps where seq = ? and state = 'waiting'", (seq,)).fetchone()
    if still is None:
        return False
    # One that is on disk already, relabelled before from the same lap, makes way for this one.
    same = (wire.sha256, lap.session.car_id, seq)
    db.execute("delete from laps where payload_sha256 = ? and car_id = ? and seq <> ?", same)
    db.execute(
        "update laps set lap_id = ?, session_id = ?, lap_number = ?, car_id = ?, title = ?, content_type = ?,"
        " payload = ?, payload_bytes = ?, payload_sha256 = ?, sent = 0, due_at = 0, trouble = null, answer = null"
        " where seq = ?",
        (*_values(lap, wire), seq),
    )
    return True


def drop(db: sqlite3.Connection, seq: int) -> bool:
    """Delete a lap that waits. Returns whether it waited."""
    return db.execute("delete from laps where seq = ? and state = 'waiting'", (seq,)).rowcount > 0


def _values(lap: "Lap", wire: "WirePayload") -> tuple[object, ...]:
    session = lap.session
    title = f"{session.track_name}, {session.car_name}, lap {lap.lap_number}"
    return (
        *(str(lap.lap_id), str(session.session_id), lap.lap_number, session.car_id, title),
        *(wire.content_type, wire.content, len(wire.content), wire.sha256),
    )
