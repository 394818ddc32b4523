"""`racing-coach-rig publish` where broker, daemon, settings or the program itself fail: the lap is on disk."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from tests.infra import Broker
from tests.rig.commands.left import waiting
from tests.rig.rig_program import RigProgram, finish
from tests.scripted_daemon import ScriptedDaemon, always
from tests.waiting import TIMEOUT_S

from racing_coach_core.messages import LapStatus


async def test_without_a_broker_laps_wait_on_disk(tmp_path: Path, lap_file: Callable[..., Path]) -> None:
    """Exit code 1 after the timeout, with the reason, and that nothing is lost."""
    program = RigProgram(tmp_path, "rig-1", None, {})
    done = await program.in_a_process("publish", "--timeout", "1", lap_file())
    assert done.code == 1
    assert "on disk: 1 lap" in done.output
    assert "no connection to the broker at 127.0.0.1:1" in done.output
    assert "nothing is lost" in done.output
    assert waiting(program) == 1
    status = await program("status")
    assert (status.code, "Road Atlanta, Sim GT3, lap 3" in status.output) == (0, True)


async def test_without_a_daemon_laps_wait_on_disk(program: RigProgram, lap_file: Callable[..., Path]) -> None:
    """The broker is there, and says that nobody listens."""
    done = await program("publish", "--timeout", "2", lap_file())
    assert done.code == 1
    assert "no daemon is subscribed" in done.output
    assert "on disk: 1 lap" in done.output


async def test_a_wrong_setting_is_named(program: RigProgram, lap_file: Callable[..., Path]) -> None:
    """One line with the variable, and no traceback."""
    program.environment |= {"RACING_COACH_MQTT__PORT": "mqtt", "RACING_COACH_SENDING__WINDOW": "0"}
    done = await program("publish", lap_file())
    assert done.code == 1
    assert "RACING_COACH_MQTT__PORT" in done.errors
    assert "RACING_COACH_SENDING__WINDOW" in done.errors
    assert "Traceback" not in done.errors


async def test_a_wrong_password_ends_it_at_once(program: RigProgram, lap_file: Callable[..., Path]) -> None:
    """After the second refusal, long before the timeout; the reason stands whole, and stays for `status`."""
    program.environment |= {"RACING_COACH_MQTT__PASSWORD": "guessed", "COLUMNS": "60"}
    done = await asyncio.wait_for(program("publish", "--timeout", "600", lap_file()), TIMEOUT_S)
    reason = "check RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD and the broker's access list"
    assert done.code == 1
    assert reason in done.errors
    assert reason in done.output
    assert "on disk: 1 lap" in done.output
    assert "Traceback" not in done.errors
    status = await program("status")
    assert "RACING_COACH_MQTT__PASSWORD" in status.output.replace("\n", "").replace("│", "").replace(" ", "")


async def test_a_topic_that_is_closed_to_the_rig_ends_it_at_once(
    program: RigProgram, lap_file: Callable[..., Path]
) -> None:
    """A rig that has not the name of its user waits for nothing, and is told which setting it is."""
    program.environment["RACING_COACH_RIG"] = "another"
    done = await asyncio.wait_for(program("publish", "--timeout", "600", lap_file()), TIMEOUT_S)
    assert done.code == 1
    assert "does not let this user publish there (0x87)" in done.output
    assert "on disk: 1 lap" in done.output
    assert "the rig is 'another', its user at the broker" in done.output
    assert "set RACING_COACH_RIG to the user's name" in done.output


async def test_no_password_is_said(program: RigProgram, lap_file: Callable[..., Path]) -> None:
    """A broker that wants one, and none set: that is what is said, not that one is wrong."""
    del program.environment["RACING_COACH_MQTT__PASSWORD"]
    done = await asyncio.wait_for(program("publish", "--timeout", "600", lap_file()), TIMEOUT_S)
    assert done.code == 1
    assert "no password (RACING_COACH_MQTT__PASSWORD) is set" in done.output


async def test_a_broker_that_is_reached_again_is_no_trouble(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """What `status` said of the way to the broker is gone with the first connection."""
    password = program.environment["RACING_COACH_MQTT__PASSWORD"]
    program.environment["RACING_COACH_MQTT__PASSWORD"] = "guessed"
    await program("publish", lap_file())
    program.environment["RACING_COACH_MQTT__PASSWORD"] = password
    async with ScriptedDaemon(mosquitto_broker, rig):
        assert (await program("publish", lap_file())).code == 0
    assert "not reached" not in (await program("status")).output


async def test_ctrl_c_says_that_the_lap_is_on_disk(tmp_path: Path, lap_file: Callable[..., Path]) -> None:
    """Exit code 130, and what comes next."""
    program = RigProgram(tmp_path, "rig-1", None, {})
    async with program.running("publish", lap_file()) as process:
        while not program.outbox_path.exists() or not waiting(program):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        done = await finish(process)
    assert done.code == 130
    assert "on disk: 1 lap" in done.output
    assert "`racing-coach-rig run` sends what is there" in done.output
    assert "Traceback" not in done.errors


async def test_an_outbox_that_cannot_be_opened_is_told(program: RigProgram, lap_file: Callable[..., Path]) -> None:
    """The file is named, and nothing is sent that is not on disk first."""
    program.outbox_path.write_bytes(b"no database" * 1000)
    done = await program.in_a_process("publish", lap_file())
    assert done.code == 1
    assert f"outbox {program.outbox_path}: cannot be opened" in done.errors.replace("\n", "")
    assert "Traceback" not in done.errors


async def test_a_lap_is_on_disk_before_it_is_sent(
    mosquitto_broker: Broker, program: RigProgram, rig: str, lap_file: Callable[..., Path]
) -> None:
    """Killed while it waits for the answer, the program has lost nothing: the next run gets it."""
    async with ScriptedDaemon(mosquitto_broker, rig, always(None)) as daemon:
        async with program.running("publish", lap_file()) as process:
            while not daemon.laps:
                await asyncio.sleep(0.02)
            process.kill()
        assert waiting(program) == 1
        await daemon.answer(daemon.laps[0], LapStatus.SUCCESS)
        # The session kept the answer, so the lap is not even sent again.
        assert (await program("publish", lap_file())).code == 0
        assert len(daemon.laps) == 1
