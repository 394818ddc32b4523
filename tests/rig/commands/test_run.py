"""`racing-coach-rig run`: folders and the simulated driver feed the outbox, and everything ends as it should."""

import asyncio
import signal
from pathlib import Path

import pytest
from tests.infra import Broker
from tests.laps import lap_json, large_lap, to_bytes
from tests.rig.rig_program import RigProgram, finish
from tests.rig.sources.garage61.exports import lap_rows, text
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of
from tests.scripted_daemon import ScriptedDaemon
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.outbox import Outbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "telemetry"
    path.mkdir()
    return path


def write_lap(folder: Path, number: int) -> None:
    (folder / f"{number}.json").write_bytes(to_bytes(lap_json(lap_number=number)))


async def said_until(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    """The line of its log in which this is."""
    assert process.stderr is not None
    async with asyncio.timeout(TIMEOUT_S):
        while text not in (line := await process.stderr.readline()):
            assert line, "it ended without a word of it"
    return line


async def test_a_watched_folder_gives_its_laps(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """What is in it, and what comes, is sent once; a file that is no lap is left; a restart sends nothing twice."""
    write_lap(folder, 1)
    (folder / "broken.json").write_text("{")
    (folder / "notes.txt").write_text("brake later")
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        async with program.running("run", "--watch", folder) as process:
            await eventually(lambda: daemon.lap_numbers == [1])
            write_lap(folder, 2)
            await eventually(lambda: daemon.lap_numbers == [1, 2])
            process.send_signal(signal.SIGTERM)
            assert (await finish(process)).code == 0
        async with program.running("run", "--watch", folder):
            await eventually(lambda: daemon.presence[-1])
            write_lap(folder, 3)
            await eventually(lambda: daemon.lap_numbers[-1] == 3)
    assert daemon.lap_numbers == [1, 2, 3]


async def test_a_file_that_grows_gives_each_lap_once(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """What is finished is sent while iRacing goes on writing; the rest when the file has grown, and nothing twice."""
    records = drive(laps_of(5))
    file = folder / "drive.ibt"
    file.write_bytes(ibt_bytes(records, finished=False)[:-17_000])
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, program.running("run", "--watch", folder):
        await eventually(lambda: daemon.lap_numbers)
        early = len(daemon.lap_numbers)
        file.write_bytes(ibt_bytes(records))
        await eventually(lambda: len(daemon.lap_numbers) >= 5)
    assert early < 5
    assert len(set(daemon.lap_numbers)) == len(daemon.lap_numbers) == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_told(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path, number: signal.Signals
) -> None:
    """SIGTERM or Ctrl-C: offline is said, and the exit code is 0."""
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, program.running("run", "--watch", folder) as process:
        await eventually(lambda: daemon.presence[-1:] == [True])
        process.send_signal(number)
        done = await finish(process)
        assert done.code == 0, repr(done)
        assert "Traceback" not in done.errors
        await eventually(lambda: daemon.presence[-1] is False)


async def test_a_rig_that_is_killed_is_offline(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """The broker says so in its place."""
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, program.running("run", "--watch", folder) as process:
        await eventually(lambda: daemon.presence[-1:] == [True])
        process.kill()
        await eventually(lambda: daemon.presence[-1] is False)


async def test_laps_that_come_during_an_outage_are_sent_after_it(
    mosquitto_process: MosquittoProcess, rig: str, folder: Path, tmp_path: Path
) -> None:
    """The rig goes on without its broker, and loses nothing to it."""
    broker = mosquitto_process.broker
    program = RigProgram(tmp_path, rig, broker, {"SENDING__ANSWER_TIMEOUT_S": 1})
    await asyncio.to_thread(mosquitto_process.stop)
    async with program.running("run", "--watch", folder):
        write_lap(folder, 1)
        outbox = Outbox(OutboxSettings(path=program.outbox_path))
        outbox.open()
        await eventually(lambda: outbox.contents().waiting == 1)
        await asyncio.to_thread(mosquitto_process.start)
        async with ScriptedDaemon(broker, rig):
            await eventually(lambda: outbox.contents().waiting == 0)
        outbox.close()


async def test_a_lap_that_found_no_room_is_read_again(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """A full outbox refuses it with a critical line; its file is taken up again at the next start."""
    program.environment |= {"RACING_COACH_OUTBOX__MAX_BYTES": str(2**20), "RACING_COACH_SENDING__ANSWER_TIMEOUT_S": "1"}
    for number in (1, 2, 3):
        (folder / f"{number}.arrow").write_bytes(encode_lap(large_lap(450_000, number=number), Encoding.ARROW))
    async with program.running("run", "--watch", folder) as process:
        assert b"THIS LAP WAS NOT KEPT" in await said_until(process, b"a lap was refused")
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        assert (await program("publish", folder / "1.arrow", folder / "2.arrow")).code == 0
        async with program.running("run", "--watch", folder):
            await eventually(lambda: 3 in daemon.lap_numbers)


async def test_publish_beside_run_takes_its_way(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """Only one program of a rig sends: the other one hands its laps over, and sees the answers all the same."""
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon, program.running("run", "--watch", folder):
        await eventually(lambda: daemon.presence[-1:] == [True])
        before = list(daemon.presence)
        write_lap(program.home, 7)
        assert (await program("publish", program.home / "7.json")).code == 0
        assert daemon.lap_numbers == [7]
        assert daemon.presence == before  # nobody was thrown out


async def test_live_telemetry_where_there_is_none_is_told(program: RigProgram) -> None:
    """One line that says why, and what to do instead."""
    done = await program.in_a_process("run", "--live")
    assert done.code == 1
    assert "live telemetry needs iRacing" in done.errors
    assert "Traceback" not in done.errors


async def test_it_says_what_it_watches_and_what_it_knows(
    mosquitto_broker: Broker, program: RigProgram, rig: str, folder: Path
) -> None:
    """The folder, which the setting may name; a lap without a track; with the next start that the file is known."""
    (folder / "lap.csv").write_text(text(lap_rows()))
    program.environment["RACING_COACH_WATCH"] = str(folder)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        async with program.running("run") as process:
            await eventually(lambda: len(daemon.laps) == 1)
            process.send_signal(signal.SIGTERM)
            first = (await finish(process)).errors
        async with program.running("run") as process:
            second = await said_until(process, b"files that were read before")
    assert "nobody says of which track and car a lap is" in first
    assert '"event": "watching"' in first
    assert str(folder) in first
    assert "files that were read before" not in first
    assert "files that were read before: their laps are stored, or on disk to be sent" in second.decode()
