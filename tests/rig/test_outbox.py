"""Laps on the rig's disk: synced before they are sent, gone only on the answer to their very bytes."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.laps import large_lap, make_lap

from racing_coach_core.codecs.decode import CONTENT_TYPES, Encoding, decode_lap
from racing_coach_core.identity import payload_sha256
from racing_coach_core.messages import LapUploadResponse
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.exceptions import OutboxError, OutboxFullError
from racing_coach_rig.outbox import Accounts, Entry, Outbox, State

ROOT = Path(__file__).parents[2]
DAY_S = 86_400.0
MIB = 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not made yet" / "outbox.sqlite3"


@pytest.fixture
def open_outbox(path: Path) -> Iterator[Callable[..., Outbox]]:
    """Opens the same file again and again, with these settings."""
    opened: list[Outbox] = []

    def open_it(**settings: Any) -> Outbox:
        outbox = Outbox(OutboxSettings(path=path, **settings))
        outbox.open()
        opened.append(outbox)
        return outbox

    yield open_it
    for outbox in opened:
        outbox.close()


@pytest.fixture
def outbox(open_outbox: Callable[..., Outbox]) -> Outbox:
    return open_outbox()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The outbox's time, which the test sets forward."""
    now = SimpleNamespace(value=time.time())
    clock = SimpleNamespace(time=lambda: now.value, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("racing_coach_rig.outbox.time", clock)
    return now


def spool(outbox: Outbox, number: int = 1, **fields: Any) -> Entry:
    return outbox.spool(make_lap(number=number, **fields), Encoding.ARROW)


def answer(entry: Entry, status: str = "success", **fields: Any) -> LapUploadResponse:
    return LapUploadResponse.model_validate(
        {
            "status": status,
            "message": f"is {status}",
            "payload_sha256": entry.payload_sha256,
            "lap_id": entry.lap_id,
            "received_at": datetime.now(UTC),
            **fields,
        }
    )


def due(outbox: Outbox, *, limit: int = 100, long_backlog: int = 1000, **more: Any) -> list[int]:
    """The numbers of the laps to send next."""
    return [e.lap_number for e in outbox.due(limit=limit, long_backlog=long_backlog, **more)]


# --- on disk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", Encoding)
def test_a_spooled_lap_is_the_lap(outbox: Outbox, encoding: Encoding) -> None:
    """What is sent later is the payload that was made, and decodes to the lap."""
    lap = make_lap(number=7)
    entry = outbox.spool(lap, encoding)
    payload = outbox.payload(entry.seq)
    assert payload is not None
    assert decode_lap(payload).lap.frames.equals(lap.frames)
    assert (entry.payload_sha256, entry.payload_bytes) == (payload_sha256(payload), len(payload))
    assert (entry.lap_id, entry.session_id, entry.lap_number) == (lap.lap_id, lap.session.session_id, 7)
    assert (entry.car_id, entry.content_type, entry.state) == ("sim-gt3", CONTENT_TYPES[encoding], State.WAITING)
    assert entry.title == "Road Atlanta, Sim GT3, lap 7"


def test_a_lap_outlives_the_program(outbox: Outbox, open_outbox: Callable[..., Outbox]) -> None:
    """Closed and opened again, the same laps wait, with what is known of them."""
    entry = spool(outbox)
    outbox.sent(entry.seq, again_at=5.0, trouble="the broker said no")
    outbox.close()
    (found,) = open_outbox().entries()
    assert (found.lap_id, found.sent, found.due_at, found.trouble) == (entry.lap_id, 1, 5.0, "the broker said no")


def test_a_commit_survives_a_power_cut(outbox: Outbox) -> None:
    """SQLite syncs the log before a commit returns."""
    connection = outbox._connection
    assert connection is not None
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma synchronous").fetchone() == (2,)  # FULL


_WRITER = """
    import sys, uuid
    from pathlib import Path
    from racing_coach_core.codecs.decode import Encoding
    from racing_coach_rig.config import OutboxSettings
    from racing_coach_rig.outbox import Outbox
    from tests.laps import make_lap

    outbox = Outbox(OutboxSettings(path=Path(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.readline()
    outbox.open()
    session = uuid.uuid4()
    for number in range(int(sys.argv[2])):
        entry = outbox.spool(make_lap(number=number, session_id=session), Encoding.ARROW)
        print(entry.payload_sha256, flush=True)
"""


def writer(path: Path, count: int) -> subprocess.Popen[str]:
    """Another program that spools laps as soon as it is told to, and says which are safe."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_WRITER), str(path), str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("after", [1, 7, 40])
def test_what_was_spooled_survives_kill_9(path: Path, open_outbox: Callable[..., Outbox], after: int) -> None:
    """Every lap that `spool` returned for is there, whole, when the program is killed in the middle of the next."""
    with writer(path, 100_000) as process:
        begin(process)
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=20)
    safe = after + len([line for line in rest.splitlines() if len(line) == 64])

    outbox = open_outbox()
    entries = outbox.entries(limit=100_000)
    assert safe <= len(entries) <= safe + 1
    assert [entry.lap_number for entry in entries] == list(range(len(entries)))
    for entry in entries:
        payload = outbox.payload(entry.seq)
        assert payload is not None
        assert payload_sha256(payload) == entry.payload_sha256
        decode_lap(payload)
    assert outbox.accounts().spooled == len(entries)


def test_several_programs_at_once(path: Path, open_outbox: Callable[..., Outbox]) -> None:
    """Two that write, and one that looks on: nobody fails, and nothing is lost."""
    writers = [writer(path, 40) for _ in range(2)]
    for process in writers:
        begin(process)
    outbox = open_outbox()
    while any(process.poll() is None for process in writers):
        outbox.contents()
    safe = {line for process in writers for line in process.communicate()[0].split()}
    assert [process.returncode for process in writers] == [0, 0]
    assert len(safe) == 80
    assert {entry.payload_sha256 for entry in outbox.entries()} == safe
    assert outbox.accounts().spooled == 80


_OPENER = """
    import sys
    from pathlib import Path
    from racing_coach_rig.config import OutboxSettings
    from racing_coach_rig.outbox import Outbox

    for line in sys.stdin:
        outbox = Outbox(OutboxSettings(path=Path(line.strip())))
        outbox.open()
        outbox.contents()
        outbox.close()
"""


def test_several_programs_make_the_file_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes it; nobody is told that it is locked."""
    command = [sys.executable, "-c", textwrap.dedent(_OPENER)]
    openers = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for number in range(50):
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write(f"{tmp_path}/{number}/outbox.sqlite3\n")
    assert [opener.communicate()[1] for opener in openers] == [""] * 4


def test_several_threads_at_once(outbox: Outbox) -> None:
    """A source that spools, the sender and a look at the status share one connection."""
    sessions = [uuid.uuid4() for _ in range(4)]
    errors: list[BaseException] = []

    def work(session: uuid.UUID) -> None:
        try:
            for number in range(25):
                entry = spool(outbox, number, session_id=session)
                outbox.sent(entry.seq, again_at=0, trouble=None)
                assert outbox.answered(answer(entry))
                outbox.contents()
        except BaseException as error:  # noqa: BLE001 (whatever it is, the test shows it)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert outbox.accounts() == Accounts(spooled=100, sent=100, stored=100, duplicate=0, rejected=0)


def test_the_same_lap_twice_waits_once(outbox: Outbox) -> None:
    """A file that is read again, or a recording that grew, adds no second copy."""
    first, second = spool(outbox, 1), spool(outbox, 1)
    assert first.seq == second.seq
    assert outbox.contents().waiting == 1
    assert outbox.accounts().spooled == 1


def test_what_was_answered_is_sent_again_only_if_asked(outbox: Outbox) -> None:
    """`publish` of a file sends it again, and gets an answer; a watched folder leaves it as it is."""
    entry = spool(outbox)
    outbox.answered(answer(entry))
    left = outbox.spool(make_lap(number=1), Encoding.ARROW, again=False)
    assert (left.seq, left.state) == (entry.seq, State.STORED)
    again = outbox.spool(make_lap(number=1), Encoding.ARROW)
    assert (again.state, again.sent, again.answer) == (State.WAITING, 0, None)
    assert outbox.payload(again.seq) is not None


# --- answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["success", "duplicate"])
def test_a_stored_lap_leaves_the_disk(outbox: Outbox, status: str) -> None:
    """After `success` or `duplicate` the payload is gone, and a receipt tells whoever looks."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry, status))
    assert outbox.payload(entry.seq) is None
    found = outbox.entry(entry.seq)
    assert found is not None
    assert (found.state, found.payload_bytes) == (State.STORED, 0)
    assert found.answer is not None
    assert found.answer.message == f"is {status}"
    assert due(outbox) == []
    assert (outbox.contents().waiting, outbox.contents().bytes) == (0, 0)


def test_a_rejected_lap_is_set_aside_with_the_reason(outbox: Outbox) -> None:
    """It keeps its payload, is not sent again by itself, and says why."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry, "rejected", errors=[{"loc": ["lap", 3], "msg": "is wrong"}]))
    (found,) = outbox.entries(State.REJECTED)
    assert found.answer is not None
    assert (found.answer.message, found.answer.errors[0].msg) == ("is rejected", "is wrong")
    assert found.payload_bytes == entry.payload_bytes
    assert due(outbox) == []


def test_rejected_laps_can_be_sent_again_or_dropped(outbox: Outbox) -> None:
    """Both are the driver's decision."""
    entries = [spool(outbox, number) for number in (1, 2)]
    for entry in entries:
        outbox.answered(answer(entry, "rejected"))
    assert outbox.retry_rejected() == 2
    assert due(outbox) == [1, 2]
    assert outbox.payload(entries[0].seq) is not None
    assert all(entry.trouble is entry.answer is None for entry in outbox.entries())
    outbox.answered(answer(entries[0], "rejected"))
    assert outbox.drop_rejected() == 1
    assert [entry.lap_number for entry in outbox.entries()] == [2]


def test_an_answer_counts_for_its_payload_alone(outbox: Outbox) -> None:
    """The same lap id is not enough: other bytes of that lap may not be what is stored."""
    lap = make_lap(number=1)
    arrow, as_json = outbox.spool(lap, Encoding.ARROW), outbox.spool(lap, Encoding.JSON)
    assert arrow.lap_id == as_json.lap_id
    assert not outbox.answered(answer(arrow, payload_sha256="0" * 64))
    assert outbox.contents().waiting == 2
    assert outbox.answered(answer(arrow))
    assert [entry.seq for entry in outbox.entries(State.WAITING)] == [as_json.seq]


def test_a_second_answer_changes_nothing(outbox: Outbox) -> None:
    """A redelivered answer, or a late one of another status, is not counted and does not undo the first."""
    entry = spool(outbox)
    assert outbox.answered(answer(entry))
    assert not outbox.answered(answer(entry, "duplicate"))
    assert not outbox.answered(answer(entry, "rejected"))
    found = outbox.entry(entry.seq)
    assert found is not None
    assert found.state is State.STORED
    assert outbox.accounts() == Accounts(spooled=1, sent=0, stored=1, duplicate=0, rejected=0)


def test_an_answer_for_nobody_is_ignored(outbox: Outbox) -> None:
    """An answer to what another program sent, long ago, is no error."""
    entry = spool(outbox)
    assert not outbox.answered(answer(entry, payload_sha256="f" * 64, lap_id=uuid.uuid4()))
    assert outbox.contents().waiting == 1


def test_the_accounts_say_what_was_done(outbox: Outbox, open_outbox: Callable[..., Outbox]) -> None:
    """Spooled, sent and each kind of answer are counted, and the counts outlive the laps and the program."""
    entries = [spool(outbox, number) for number in range(5)]
    for entry in entries:
        outbox.sent(entry.seq, again_at=0, trouble=None)
    outbox.sent(entries[0].seq, again_at=0, trouble=None)
    for entry, status in zip(entries, ("success", "success", "duplicate", "rejected"), strict=False):
        outbox.answered(answer(entry, status))
    outbox.drop_rejected()
    outbox.close()
    assert open_outbox().accounts() == Accounts(spooled=5, sent=6, stored=2, duplicate=1, rejected=1)


# --- how long things are kept ----------------------------------------------------------------------------


def test_a_receipt_is_kept_for_a_day(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Then the outbox has forgotten the lap; what waits or was rejected it never forgets."""
    stored, rejected, _ = (spool(outbox, number) for number in (1, 2, 3))
    outbox.answered(answer(stored))
    outbox.answered(answer(rejected, "rejected"))
    clock.value += 0.99 * DAY_S
    assert outbox.tidy() == 0
    clock.value += 0.02 * DAY_S
    assert outbox.tidy() == 1
    assert outbox.entry(stored.seq) is None
    clock.value += 1000 * DAY_S
    assert outbox.tidy() == 0
    assert [entry.lap_number for entry in outbox.entries()] == [2, 3]


def test_stored_laps_can_be_kept_for_days(open_outbox: Callable[..., Outbox], clock: SimpleNamespace) -> None:
    """With `keep_days` the payload stays that long, and is on the disk's account."""
    outbox = open_outbox(keep_days=3)
    entry = spool(outbox)
    outbox.answered(answer(entry))
    assert outbox.contents().kept == 1
    assert outbox.contents().bytes == entry.payload_bytes
    clock.value += 2.9 * DAY_S
    assert outbox.tidy() == 0
    clock.value += 0.2 * DAY_S
    assert outbox.tidy() == 1
    assert outbox.contents().bytes == 0


def test_disk_is_given_back(outbox: Outbox, path: Path) -> None:
    """After an outage the file does not stay as large as it was then."""
    entries = [outbox.spool(large_lap(MIB // 2, number=number), Encoding.ARROW) for number in range(6)]
    outbox._connection.execute("pragma wal_checkpoint(truncate)").fetchall()  # type: ignore[union-attr]
    large = path.stat().st_size
    assert large > 2 * MIB
    for entry in entries:
        outbox.answered(answer(entry))
    outbox.tidy()
    outbox._connection.execute("pragma wal_checkpoint(truncate)").fetchall()  # type: ignore[union-attr]
    assert path.stat().st_size < large / 4


# --- a full disk -----------------------------------------------------------------------------------------


def test_a_full_outbox_refuses_loudly_and_keeps_what_waits(open_outbox: Callable[..., Outbox]) -> None:
    """The new lap is the one that is refused, in words that say what to do; the ones that wait are untouched."""
    outbox = open_outbox(max_bytes=MIB)
    entries = [outbox.spool(large_lap(400_000, number=number), Encoding.ARROW) for number in (1, 2)]
    with pytest.raises(OutboxFullError, match=r"THIS LAP WAS NOT KEPT.*RACING_COACH_OUTBOX__MAX_BYTES") as raised:
        outbox.spool(large_lap(400_000, number=3), Encoding.ARROW)
    assert raised.value.limit == MIB
    assert raised.value.used == sum(entry.payload_bytes for entry in entries)
    assert due(outbox) == [1, 2]
    assert outbox.accounts().spooled == 2

    spool(outbox, 4)  # a small one still has room
    outbox.answered(answer(entries[0]))
    outbox.spool(large_lap(400_000, number=3), Encoding.ARROW)
    assert due(outbox) == [2, 4, 3]


def test_room_is_made_of_what_is_only_kept(open_outbox: Callable[..., Outbox], clock: SimpleNamespace) -> None:
    """Stored laps go first, the oldest before the others; a rejected one is never dropped for a new one."""
    outbox = open_outbox(max_bytes=MIB, keep_days=10)
    rejected, older, newer = (outbox.spool(large_lap(300_000, number=number), Encoding.ARROW) for number in (1, 2, 3))
    outbox.answered(answer(rejected, "rejected"))
    outbox.answered(answer(older))
    clock.value += 1
    outbox.answered(answer(newer))
    outbox.spool(large_lap(300_000, number=4), Encoding.ARROW)
    assert [entry.lap_number for entry in outbox.entries()] == [1, 3, 4]
    outbox.spool(large_lap(300_000, number=5), Encoding.ARROW)
    with pytest.raises(OutboxFullError):
        outbox.spool(large_lap(300_000, number=6), Encoding.ARROW)
    assert [entry.lap_number for entry in outbox.entries()] == [1, 4, 5]


_UNTIL_FULL = """
    import resource, sys
    from pathlib import Path
    from racing_coach_core.codecs.decode import Encoding
    from racing_coach_rig.config import OutboxSettings
    from racing_coach_rig.exceptions import OutboxError
    from racing_coach_rig.outbox import Outbox, State
    from tests.laps import large_lap

    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    outbox = Outbox(OutboxSettings(path=Path(sys.argv[1])))
    outbox.open()
    for number in range(100):
        try:
            outbox.spool(large_lap(300_000, number=number), Encoding.ARROW)
        except OutboxError as error:
            print(error, file=sys.stderr)
            break
        print(number)
    assert outbox.contents().waiting == number, outbox.contents()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on files")
def test_a_disk_without_room_loses_nothing(path: Path, open_outbox: Callable[..., Outbox]) -> None:
    """When the system refuses to write, the lap is refused with an error of ours, and the others are whole."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_UNTIL_FULL), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"outbox {path}: " in done.stderr
    outbox = open_outbox()
    assert [str(entry.lap_number) for entry in outbox.entries()] == done.stdout.split()
    assert 2 < len(outbox.entries()) < 100
    spool(outbox, 1000)
    assert outbox._connection.execute("pragma integrity_check").fetchall() == [("ok",)]  # type: ignore[union-attr]


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
    outbox._connection.execute("pragma busy_timeout = 50")  # type: ignore[union-attr]
    entry = spool(outbox)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    for work in (lambda: spool(outbox, 2), lambda: outbox.answered(answer(entry)), outbox.tidy, outbox.contents):
        with pytest.raises(OutboxError, match="locked"):
            work()
    other.execute("rollback")
    other.close()
    assert outbox.answered(answer(entry))


# --- what is sent next -----------------------------------------------------------------------------------


def test_laps_are_sent_in_the_order_in_which_they_were_driven(outbox: Outbox) -> None:
    """First in, first out, as many as asked for, without those that are on their way."""
    entries = [spool(outbox, number) for number in (1, 2, 3, 4)]
    assert due(outbox) == [1, 2, 3, 4]
    assert due(outbox, limit=2) == [1, 2]
    assert due(outbox, limit=2, besides=frozenset({entries[0].seq, entries[2].seq})) == [2, 4]


def test_the_newest_session_goes_first_when_much_waits(outbox: Outbox) -> None:
    """After an outage the driver who is on the track now does not wait for yesterday's laps."""
    old, older = uuid.uuid4(), uuid.uuid4()
    for session, numbers in ((older, (1, 2)), (old, (11, 12)), (older, (3,)), (uuid.uuid4(), (21, 22))):
        for number in numbers:
            spool(outbox, number, session_id=session)
    assert due(outbox, long_backlog=8) == [1, 2, 11, 12, 3, 21, 22]
    assert due(outbox, long_backlog=7) == [21, 22, 1, 2, 3, 11, 12]
    assert due(outbox, long_backlog=7, limit=3) == [21, 22, 1]


def test_a_sent_lap_is_due_again_later(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Without an answer it waits for its time, and the others go on."""
    entry = spool(outbox, 1)
    spool(outbox, 2)
    outbox.sent(entry.seq, again_at=clock.value + 30, trouble=None)
    assert due(outbox) == [2]
    clock.value += 31
    assert due(outbox) == [1, 2]


def test_a_wrong_clock_puts_no_lap_off_for_longer_than_there_is(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Sent while the clock was a year ahead, or set back a year since: due at once, and not in a year."""
    entry = spool(outbox)
    outbox.sent(entry.seq, again_at=clock.value + 300, trouble=None)
    assert due(outbox, horizon_s=600) == []

    clock.value -= 365 * DAY_S

    assert due(outbox, horizon_s=600) == [1]


def test_a_broker_that_forgot_us_makes_all_due_now(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Whatever was sent and not answered is sent again at once, rejected and stored laps are not."""
    entries = [spool(outbox, number) for number in (1, 2, 3, 4)]
    for entry in entries:
        outbox.sent(entry.seq, again_at=clock.value + 600, trouble=None)
    outbox.answered(answer(entries[1]))
    outbox.answered(answer(entries[2], "rejected"))
    assert due(outbox) == []
    outbox.all_due_now()
    assert due(outbox) == [1, 4]


def test_an_answer_shows_that_somebody_is_there(outbox: Outbox, clock: SimpleNamespace) -> None:
    """Laps that nobody took before are tried again; those that wait for an answer go on waiting."""
    unheard, unanswered, answered = (spool(outbox, number) for number in (1, 2, 3))
    outbox.sent(unheard.seq, again_at=clock.value + 600, trouble=None)
    outbox.note(unheard.seq, due_at=clock.value + 600, trouble="nobody is subscribed")
    outbox.sent(unanswered.seq, again_at=clock.value + 600, trouble=None)
    outbox.sent(answered.seq, again_at=clock.value + 600, trouble=None)
    outbox.answered(answer(answered))
    assert due(outbox) == [1]


def test_a_lap_that_can_never_be_sent_is_set_aside(outbox: Outbox) -> None:
    """It is shown with the reason among the rejected ones, and holds up nobody."""
    entry = spool(outbox)
    outbox.set_aside(entry.seq, "larger than the broker takes")
    (found,) = outbox.entries(State.REJECTED)
    assert (found.trouble, found.answer) == ("larger than the broker takes", None)
    assert due(outbox) == []
    assert outbox.accounts().rejected == 1
    assert outbox.retry_rejected() == 1
    (found,) = outbox.entries(State.WAITING)
    assert found.trouble is None


def test_the_contents_say_how_it_stands(outbox: Outbox, clock: SimpleNamespace) -> None:
    """What waits, since when, what was rejected, and how much disk that takes."""
    first = spool(outbox, 1)
    clock.value += 10
    second = spool(outbox, 2)
    contents = outbox.contents()
    assert (contents.waiting, contents.rejected, contents.bytes) == (2, 0, first.payload_bytes + second.payload_bytes)
    assert contents.oldest_waiting_at == first.spooled_at
    outbox.answered(answer(first, "rejected"))
    assert (outbox.contents().waiting, outbox.contents().rejected) == (1, 1)
    assert outbox.contents().oldest_waiting_at == second.spooled_at


def test_a_file_is_read_once_in_each_state(outbox: Outbox, tmp_path: Path) -> None:
    """A watched file is new until its laps are spooled, and again when it has grown."""
    file = tmp_path / "lap.ibt"
    assert outbox.file_is_new(file, 100, 5)
    outbox.file_was_read(file, 100, 5)
    assert not outbox.file_is_new(file, 100, 5)
    assert outbox.file_is_new(file, 200, 5)
    assert outbox.file_is_new(file, 100, 6)
    outbox.file_was_read(file, 200, 6)
    assert outbox.file_is_new(file, 100, 5)
    assert not outbox.file_is_new(file, 200, 6)
