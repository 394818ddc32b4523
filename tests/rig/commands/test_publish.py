"""`racing-coach-rig publish`, `status` and `rejected` as the driver meets them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.infra import Broker
from tests.laps import lap_json, make_lap, to_bytes
from tests.rig.commands.left import rejected, waiting
from tests.rig.rig_program import RigProgram
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of
from tests.scripted_daemon import ScriptedDaemon, always
from tests.waiting import eventually

from racing_coach_core.codecs import arrow
from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.messages import LapStatus


async def test_published_laps_are_answered(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """A table with the answer to every lap, exit code 0, and nothing left on disk."""
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        done = await program.in_a_process("publish", lap_file(3), lap_file(4))
    assert done.code == 0, done.output + done.errors
    assert done.output.count("the script says success") == 2
    assert "lap-3.json" in done.output
    assert "1:28.800" in done.output
    assert sorted(daemon.lap_numbers) == [3, 4]
    assert waiting(program) == 0


@pytest.mark.parametrize(("options", "content_type"), [((), arrow.CONTENT_TYPE), (("--json",), "application/zstd")])
async def test_the_encoding_can_be_chosen(
    mosquitto_broker: Broker,
    program: RigProgram,
    rig: str,
    lap_file: Callable[..., Path],
    options: tuple[str, ...],
    content_type: str,
) -> None:
    """Arrow unless told otherwise, JSON then, compressed."""
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        assert (await program("publish", *options, lap_file())).code == 0
    assert daemon.laps[0].delivery.content_type == content_type


async def test_every_kind_of_lap_file_is_taken(mosquitto_broker: Broker, program: RigProgram, rig: str) -> None:
    """Arrow and compressed files too, by what is in them."""
    files = [
        (program.home / "lap.arrow", encode_lap(make_lap(number=1), Encoding.ARROW)),
        (program.home / "lap.json.gz", gzip.compress(encode_lap(make_lap(number=2), Encoding.JSON))),
    ]
    for path, payload in files:
        path.write_bytes(payload)
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        assert (await program("publish", *(path for path, _ in files))).code == 0
    assert sorted(daemon.lap_numbers) == [1, 2]


async def test_the_same_file_again_gets_an_answer_again(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """Whoever publishes a file twice sees that it is a duplicate, and that is a success."""
    path = lap_file()
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        assert (await program("publish", path)).code == 0
        daemon.script = always(LapStatus.DUPLICATE)
        done = await program("publish", path)
    assert done.code == 0
    assert "duplicate" in done.output
    assert len(daemon.laps) == 2


async def test_a_rejected_lap_is_told_kept_and_sent_again_on_demand(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """Exit code 1 and the reason; `rejected list` shows it, `retry` sends it again, `drop` deletes it."""
    good, bad = lap_file(3), lap_file(4)

    async def was_sent_again() -> bool:
        """It goes with the next publish, which waits for the answers of its own laps only."""
        await program("rejected", "retry")
        assert (await program("publish", lap_file(5))).code == 0
        return daemon.lap_numbers.count(4) >= 2 and rejected(program) == 1

    async with ScriptedDaemon(
        mosquitto_broker, rig, lambda lap: LapStatus.REJECTED if lap.lap_number == 4 else LapStatus.SUCCESS
    ) as daemon:
        done = await program("publish", good, bad)
        assert done.code == 1
        assert "the script says rejected" in done.output
        assert "the script says success" in done.output

        status = await program("status")
        assert (status.code, "1 lap" in status.output) == (1, True)
        assert "the script says rejected" in (await program("rejected", "list")).output

        assert "1 lap to be sent again" in (await program("rejected", "retry")).output
        assert (await program("status")).code == 0
        await eventually(was_sent_again)

        assert (await program("rejected", "drop")).code != 0  # it asks first, and nobody says yes
        assert rejected(program) == 1
        assert "1 lap dropped" in (await program("rejected", "drop", "--yes")).output
        assert (await program("status")).code == 0


async def test_what_waited_goes_with_the_next_publish(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """Laps of an earlier, unlucky run are sent as soon as somebody answers."""
    assert (await program("publish", "--timeout", "1", lap_file(3))).code == 1
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        assert (await program("publish", lap_file(3), lap_file(4))).code == 0
    assert sorted(daemon.lap_numbers) == [3, 4]


async def test_a_file_that_is_no_lap_does_not_stop_the_others(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """Each is told with what is wrong; the good ones are stored; exit code 1."""
    broken = program.home / "broken.json"
    document = lap_json()
    document["lap"]["frames"][2]["speed"] = "fast"
    broken.write_bytes(to_bytes(document))
    cut = program.home / "cut.json"
    cut.write_bytes(to_bytes(lap_json())[:-10])
    other = program.home / "notes.txt"
    other.write_text("brake later")
    async with ScriptedDaemon(mosquitto_broker, rig) as daemon:
        done = await program("publish", broken, cut, other, program.home / "missing.ibt", lap_file())
    assert done.code == 1
    assert daemon.lap_numbers == [3]
    for expected in (
        "broken.json: not a valid lap: lap.frames.2.speed: ",
        "cut.json: not JSON",
        "notes.txt: is none of the files that hold laps",
        "missing.ibt: cannot be read",
        "the script says success",
    ):
        assert expected in done.output


async def test_the_program_says_what_it_can() -> None:
    """Without arguments it shows its commands."""
    done = await RigProgram(Path.cwd(), "rig-1", None, {})("--help")
    assert done.code == 0
    for command in ("publish", "run", "status", "rejected"):
        assert command in done.output


async def test_notes_on_a_file_are_one_line(program: RigProgram) -> None:
    """A recording of which much is no lap says the first thing, and how much more there is; --verbose says all."""
    path = program.home / "session.ibt"
    path.write_bytes(ibt_bytes(drive(laps_of(3)))[:-30])
    short = (await program("publish", "--timeout", "0.1", path)).output
    long = (await program("publish", "--timeout", "0.1", "--verbose", path)).output
    assert "more notes, which --verbose shows" in short
    assert short.count("session.ibt: ") == 2
    assert long.count("session.ibt: ") > 2
    assert "--verbose" not in long


async def test_a_file_without_a_lap_says_why(program: RigProgram) -> None:
    """That comes before any other note on it, with one line for the rest."""
    path = program.home / "garage.ibt"
    path.write_bytes(ibt_bytes(drive(laps_of(1))[:120]))
    done = await program("publish", path)
    assert done.code == 1
    first, second = [line for line in done.output.splitlines() if "garage.ibt: " in line]
    assert first.startswith("not sent garage.ibt: no complete lap")
    assert second == "note garage.ibt: 2 more notes, which --verbose shows"


async def test_dropping_nothing_asks_nothing(program: RigProgram) -> None:
    """No question where no lap was rejected."""
    done = await program("rejected", "drop")
    assert (done.code, "0 laps dropped" in done.output) == (0, True)
