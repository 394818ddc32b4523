"""A lap of which nobody says the track or the car: said before it is sent, and mended afterwards."""

import asyncio
import os
import uuid
from pathlib import Path

import pytest
from tests.infra import RIGS, Broker
from tests.rig.rig_program import PROGRAM, RigProgram, forget
from tests.rig.sources.garage61.exports import NAME, lap_rows, text
from tests.scripted_daemon import ScriptedDaemon, always

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapStatus
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox

RIG = RIGS[0]


@pytest.fixture
def program(tmp_path: Path) -> RigProgram:
    """A rig whose broker is not there."""
    return RigProgram(tmp_path, RIG, None, {})


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """An export whose name says nothing."""
    path = tmp_path / "lap.csv"
    path.write_text(text(lap_rows()))
    return path


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """An export as Garage 61 names it."""
    path = tmp_path / NAME
    path.write_text(text(lap_rows(301)))
    return path


def on_disk(program: RigProgram) -> list[Lap]:
    """The laps that wait."""
    with Outbox(OutboxSettings(path=program.outbox_path)) as outbox:
        payloads = [outbox.payload(entry.seq) for entry in outbox.entries(State.WAITING)]
    return [decode_lap(payload).lap for payload in payloads if payload is not None]


async def test_a_script_is_refused_and_told_what_to_give(program: RigProgram, unnamed: Path, named: Path) -> None:
    """Nothing of that file is on disk, the other file's lap is; exit code 1."""
    done = await program("publish", "--timeout", "0.1", unnamed, named)

    assert done.code == 1
    assert "does not say of which track and car its laps are: give --track and --car" in done.output
    assert "--unknown-ok" in done.output
    assert [lap.session.track_name for lap in on_disk(program)] == ["Road Atlanta (Full Course)"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--unknown-ok",), ("unknown", "unknown")),
        (("--track", "Spa", "--car", "GT3"), ("Spa", "GT3")),
        (("--track", "Spa", "--unknown-ok"), ("Spa", "unknown")),
    ],
)
async def test_a_script_says_what_it_is(
    program: RigProgram, unnamed: Path, options: tuple[str, ...], expected: tuple[str, str]
) -> None:
    """By labels, or by saying that it may be unknown."""
    await program("publish", "--timeout", "0.1", *options, unnamed)

    (lap,) = on_disk(program)
    assert (lap.session.track_name, lap.session.car_name) == expected


async def test_half_a_label_is_not_enough(program: RigProgram, unnamed: Path) -> None:
    """With the track given, the car is still asked for."""
    done = await program("publish", "--timeout", "0.1", "--track", "Spa", unnamed)

    assert "does not say of which car its laps are: give --car," in done.output
    assert on_disk(program) == []


@pytest.mark.parametrize(("answers", "expected"), [("Spa\nGT3\n", ("Spa", "GT3")), ("\n\n", ("unknown", "unknown"))])
async def test_on_a_terminal_the_driver_is_asked(
    program: RigProgram, unnamed: Path, answers: str, expected: tuple[str, str]
) -> None:
    """Track and car, and Enter leaves them unknown."""
    terminal, ours = os.openpty()
    os.write(terminal, answers.encode())
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("publish", "--timeout", "0.1", unnamed),
        env=program.environment,
        cwd=program.home,
        stdin=ours,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    os.close(terminal)
    os.close(ours)

    (lap,) = on_disk(program)
    assert (lap.session.track_name, lap.session.car_name) == expected
    assert b"lap.csv: which track?" in output


async def test_a_dry_run_shows_and_sends_nothing(program: RigProgram, unnamed: Path, named: Path) -> None:
    """Track, car, driver and lap time of what would be sent; unknown ones too."""
    done = await program("publish", "--dry-run", unnamed, named)

    assert done.code == 0
    assert "Would be sent" in done.output
    for expected in ("Road Atlanta (Full Course)", "Mazda MX-5 Cup", "A Driver", "unknown", "0:05.017"):
        assert expected in done.output
    assert on_disk(program) == []


async def test_a_dry_run_fails_as_the_real_one_would(program: RigProgram, tmp_path: Path) -> None:
    """A file that cannot be read: exit code 1, with the reason."""
    (tmp_path / "notes.txt").write_text("brake later")

    done = await program("publish", "--dry-run", tmp_path / "notes.txt")

    assert done.code == 1
    assert "is none of the files that hold laps" in done.output


async def test_waiting_laps_are_listed_and_dropped(program: RigProgram, unnamed: Path, named: Path) -> None:
    """By their numbers or all of them, after a question."""
    await program("publish", "--timeout", "0.1", "--unknown-ok", unnamed, named)
    listed = (await program("waiting", "list")).output
    assert "unknown, unknown, lap 1" in listed
    assert "Road Atlanta (Full Course), Mazda MX-5 Cup, lap 1" in listed

    assert (await program("waiting", "drop", "1")).code != 0  # it asks, and nobody answers
    assert len(on_disk(program)) == 2
    assert "1 lap dropped" in (await program("waiting", "drop", "1", "--yes")).output
    assert [lap.session.track_name for lap in on_disk(program)] == ["Road Atlanta (Full Course)"]
    assert "1 lap dropped" in (await program("waiting", "drop", "--all", "--yes")).output
    assert "no lap waits" in (await program("waiting", "list")).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drop",), "say which laps"),
        (("drop", "1", "--all"), "say which laps"),
        (("drop", "7", "--yes"), "no lap waits with the number 7"),
        (("relabel", "1"), "--track, --car, or both"),
    ],
)
async def test_what_is_not_clear_is_not_done(
    program: RigProgram, unnamed: Path, words: tuple[str, ...], said: str
) -> None:
    """One line that says what to give."""
    await program("publish", "--timeout", "0.1", "--unknown-ok", unnamed)

    done = await program("waiting", *words)

    assert done.code == 1
    assert said in done.errors
    assert len(on_disk(program)) == 1


async def test_a_waiting_lap_is_relabelled(program: RigProgram, unnamed: Path) -> None:
    """Track and car, names and ids; it is another lap of another session, with the same frames."""
    await program("publish", "--timeout", "0.1", "--unknown-ok", unnamed)
    (before,) = on_disk(program)

    done = await program("waiting", "relabel", "1", "--track", "Spa", "--car", "GT 3")

    (after,) = on_disk(program)
    assert done.code == 0
    assert (after.session.track_id, after.session.track_name) == ("Spa", "Spa")
    assert (after.session.car_id, after.session.car_name) == ("GT-3", "GT 3")
    assert before.lap_id != after.lap_id
    assert before.session.session_id != after.session.session_id
    assert before.frames.equals(after.frames)
    assert "Spa, GT 3, lap 1" in (await program("status")).output


async def test_a_relabelled_lap_is_sent_as_what_it_is(mosquitto_broker: Broker, tmp_path: Path, unnamed: Path) -> None:
    """On its topic, once, and what may have been stored before is said."""
    await forget(mosquitto_broker, RIG)
    program = RigProgram(tmp_path, RIG, mosquitto_broker, {"MQTT__CLIENT_ID": f"{RIG}-{uuid.uuid4().hex}"})
    async with ScriptedDaemon(mosquitto_broker, RIG, always(None)):
        await program("publish", "--timeout", "1", "--unknown-ok", unnamed)
    done = await program("waiting", "relabel", "--all", "--car", "GT3")
    assert "1 lap of these had been sent before" in done.output

    async with ScriptedDaemon(mosquitto_broker, RIG, always(LapStatus.SUCCESS)) as daemon:
        other = tmp_path / NAME
        other.write_text(text(lap_rows(301)))
        assert (await program("publish", other)).code == 0

    assert sorted(lap.delivery.topic.rpartition("/cars/")[2] for lap in daemon.laps) == [
        "GT3/laps",
        "Mazda-MX-5-Cup/laps",
    ]
