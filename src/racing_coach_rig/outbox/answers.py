"""What an answer does to the lap that waited for it."""

import sqlite3

from racing_coach_core.messages import LapStatus, LapUploadResponse
from racing_coach_rig.outbox.accounts import count
from racing_coach_rig.outbox.entry import State

_ACCOUNTS = {LapStatus.SUCCESS: "stored", LapStatus.DUPLICATE: "duplicate", LapStatus.REJECTED: "rejected"}


def settle(db: sqlite3.Connection, answer: LapUploadResponse, *, now: float, keeps_stored: bool) -> bool:
    """Take an answer; `Outbox.answered` says what that does.

    A lap that was rejected and is stored after all, say because the daemon was mended and took it from what it had
    kept, is stored; a lap that is stored stays so.

    Args:
        db: within a transaction.
        answer: the daemon's.
        now: Unix time in s.
        keeps_stored: whether a stored lap keeps its payload.

    Returns:
        Whether a lap was waiting for it.
    """
    stored = answer.status is not LapStatus.REJECTED
    state = State.STORED if stored else State.REJECTED
    empty = stored and not keeps_stored
    waiting, rejected = (
        _settle(db, answer, before=before, state=state, empty=empty, now=now) if before is not state else 0
        for before in (State.WAITING, State.REJECTED)
    )
    # A daemon answers: what nobody took before may be tried again.
    db.execute("update laps set due_at = 0 where state = 'waiting' and trouble is not null")
    count(db, _ACCOUNTS[answer.status], waiting + rejected)
    count(db, _ACCOUNTS[LapStatus.REJECTED], -rejected)
    return waiting + rejected > 0


def _settle(
    db: sqlite3.Connection, answer: LapUploadResponse, *, before: State, state: State, empty: bool, now: float
) -> int:
    # The plus keeps SQLite from going through all laps of a state: by the hash it finds the lap at once.
    return db.execute(
        "update laps set state = ?, answer = ?, answered_at = ?, trouble = null,"
        " payload = case when ? then x'' else payload end,"
        " payload_bytes = case when ? then 0 else payload_bytes end"
        " where payload_sha256 = ? and +state = ?",
        (state, answer.model_dump_json(), now, empty, empty, answer.payload_sha256, before),
    ).rowcount
