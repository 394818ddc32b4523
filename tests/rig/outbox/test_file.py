"""The file on disk: synced, shared, locked, full, damaged."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.laps import large_lap, make_lap
from tests.rig.outbox.laps import MIB, answer, due, spool

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.exceptions import OutboxError
from racing_coach_rig.outbox.outbox import Outbox


def test_a_lap_outlives_the_program(outbox: Outbox, open_outbox: Callable[..., Outbox]) -> None:
    """Closed and opened again, the same laps wait, with what is known of them."""
    entry = spool(outbox)
    outbox.sent(entry.seq, again_at=5.0, trouble="the broker said no")
    outbox.close()
    (found,) = open_outbox().entries()
    assert (found.lap_id, found.sent, found.due_at, found.trouble) == (entry.lap_id, 1, 5.0, "the broker said no")


def test_a_commit_survives_a_power_cut(outbox: Outbox) -> None:
    """SQLite syncs the log before a commit returns."""
    connection = outbox._file._connection
    assert connection is not None
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma synchronous").fetchone() == (2,)  # FULL


def test_disk_is_given_back(outbox: Outbox, path: Path) -> None:
    """After an outage the file does not stay as large as it was then."""
    entries = [outbox.spool(large_lap(MIB // 2, number=number), Encoding.ARROW) for number in range(6)]
    outbox._file._connection.execute("pragma wal_checkpoint(truncate)").fetchall()  # type: ignore[union-attr]
    large = path.stat().st_size
    assert large > 2 * MIB
    for entry in entries:
        outbox.answered(answer(entry))
    outbox.tidy()
    outbox._file._connection.execute("pragma wal_checkpoint(truncate)").fetchall()  # type: ignore[union-attr]
    assert path.stat().st_size < large / 4


def test_a_file_that_is_no_outbox_is_told(path: Path) -> None:
    """The error names the file."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, but a long text" * 100)
    with pytest.raises(OutboxError, match="cannot be opened") as raised:
        Outbox(OutboxSettings(path=path)).open()
    assert raised.value.path == path


def test_a_closed_outbox_says_so(outbox: Outbox) -> None:
    """Nothing is written to a file that was closed, and nobody gets sqlite's words for it."""
    outbox.close()
    outbox.close()
    with pytest.raises(OutboxError, match="is not open"):
        spool(outbox)
    with pytest.raises(OutboxError, match="is not open"):
        outbox.tidy()


def test_a_locked_file_is_an_error_of_ours(outbox: Outbox, path: Path) -> None:
    """A program that holds the file for too long makes an OutboxError of everything, tidying included."""
    outbox._file._connection.execute("pragma busy_timeout = 50")  # type: ignore[union-attr]
    entry = spool(outbox)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    for work in (lambda: spool(outbox, 2), lambda: outbox.answered(answer(entry)), outbox.tidy, outbox.contents):
        with pytest.raises(OutboxError, match="locked"):
            work()
    other.execute("rollback")
    other.close()
    assert outbox.answered(answer(entry))


def test_it_is_open_for_the_length_of_a_block(path: Path) -> None:
    """Whoever opens it closes it, also when the block fails."""
    with contextlib.suppress(ZeroDivisionError), Outbox(OutboxSettings(path=path)) as outbox:
        spool(outbox)
        raise ZeroDivisionError
    with pytest.raises(OutboxError, match="is not open"):
        outbox.contents()
    with outbox:
        assert outbox.contents().waiting == 1


def test_a_file_of_a_newer_program_is_refused_and_left_as_it_is(outbox: Outbox, path: Path) -> None:
    """One error that says what to do; an older program must not guess at what it does not know."""
    spool(outbox)
    outbox.close()
    with sqlite3.connect(path) as db:
        db.executescript("pragma user_version = 3; drop table files; create table files (path text, seen_by text);")
    db.close()
    with pytest.raises(OutboxError, match=r"a newer racing-coach-rig made it.*RACING_COACH_OUTBOX__PATH"):
        Outbox(OutboxSettings(path=path)).open()
    with sqlite3.connect(path) as db:
        assert db.execute("pragma user_version").fetchone() == (3,)
        assert [row[1] for row in db.execute("pragma table_info(files)")] == ["path", "seen_by"]
    db.close()


def test_a_file_of_an_older_program_is_taken_up(outbox: Outbox, path: Path) -> None:
    """Its laps wait as before, and the indexes are added."""
    entry = spool(outbox)
    outbox.close()
    with sqlite3.connect(path) as db:
        for (name,) in db.execute("select name from sqlite_master where type = 'index' and sql is not null").fetchall():
            db.execute(f"drop index {name}")
        db.execute("create index laps_state on laps (state, due_at)")
        db.execute("pragma user_version = 1")
    db.close()
    with outbox:
        assert outbox.entries() == [entry]
        assert outbox._file._connection.execute("pragma user_version").fetchone() == (2,)  # type: ignore[union-attr]


def test_no_look_at_the_outbox_reads_the_payloads_of_all_laps(outbox: Outbox) -> None:
    """What chooses, sorts or adds up is read from an index; a row is read only by its own number."""
    entries = [spool(outbox, number) for number in range(30)]
    connection = outbox._file._connection
    assert connection is not None
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    for long_backlog in (5, 100):
        due(outbox, long_backlog=long_backlog, horizon_s=600)
    outbox.contents()
    outbox.answered(answer(entries[0]))
    outbox.spool(make_lap(number=99), Encoding.ARROW)
    outbox.tidy()
    connection.set_trace_callback(None)
    plans = {
        (statement, detail)
        for statement in statements
        if statement.startswith(("select", "update", "delete"))
        for *_, detail in connection.execute(f"explain query plan {statement}")
        if "laps" in detail
    }
    assert len(plans) > 10
    few = ("COVERING INDEX", "PRIMARY KEY", "(payload_sha256=", "laps_in_trouble", "answered_at<?")
    assert [plan for plan in plans if not any(words in plan[1] for words in few)] == []


@pytest.mark.parametrize("start", [100, 4096], ids=["its schema", "its tables"])
def test_a_damaged_outbox_is_set_aside_and_a_new_one_is_begun(outbox: Outbox, path: Path, start: int) -> None:
    """New laps have a place, somebody is told, and what is left of the old file is kept."""
    for number in range(20):
        spool(outbox, number)
    outbox.close()
    damaged = path.read_bytes()[:start] + b"\xff" * (path.stat().st_size - start)
    path.write_bytes(damaged)
    with capture_logs() as logs, Outbox(OutboxSettings(path=path)) as again:
        spool(again, 99)
        assert [entry.lap_number for entry in again.entries()] == [99]
    (kept,) = path.parent.glob("*.damaged-*[0-9]")
    assert kept.read_bytes()[4096:] == damaged[4096:]
    assert [(log["log_level"], str(kept) in log["reason"]) for log in logs] == [("critical", True)]


def test_an_outbox_of_zeros_is_a_damaged_one(outbox: Outbox, path: Path) -> None:
    """As some file systems leave a file after a power cut."""
    spool(outbox)
    outbox.close()
    path.write_bytes(bytes(path.stat().st_size))
    with Outbox(OutboxSettings(path=path)) as again:
        assert again.contents().waiting == 0
        spool(again, 2)
    assert len(list(path.parent.glob("*.damaged-*[0-9]"))) == 1
