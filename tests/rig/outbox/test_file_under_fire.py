"""The file under programs that are killed, that come at once, and that find no room."""

import signal
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rig.outbox.laps import ROOT, answer, spool
from tests.waiting import TIMEOUT_S

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.identity import payload_sha256
from racing_coach_rig.outbox.accounts import Accounts
from racing_coach_rig.outbox.outbox import Outbox

_WRITER = """
    import sys, uuid
    from pathlib import Path
    from racing_coach_core.codecs.encoding import Encoding
    from racing_coach_rig.config import OutboxSettings
    from racing_coach_rig.outbox.outbox import Outbox
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
        rest, _ = process.communicate(timeout=TIMEOUT_S)
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
    from racing_coach_rig.outbox.outbox import Outbox

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


_UNTIL_FULL = """
    import resource, sys
    from pathlib import Path
    from racing_coach_core.codecs.encoding import Encoding
    from racing_coach_rig.config import OutboxSettings
    from racing_coach_rig.exceptions import OutboxError
    from racing_coach_rig.outbox.entry import State
    from racing_coach_rig.outbox.outbox import Outbox
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
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"outbox {path}: " in done.stderr
    outbox = open_outbox()
    assert [str(entry.lap_number) for entry in outbox.entries()] == done.stdout.split()
    assert 2 < len(outbox.entries()) < 100
    spool(outbox, 1000)
    assert outbox._file._connection.execute("pragma integrity_check").fetchall() == [("ok",)]  # type: ignore[union-attr]
