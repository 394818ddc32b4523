"""`racing-coach-rig doctor` finds what would keep a lap from the server, and says what to do."""

import json
import uuid
from pathlib import Path

import pytest
from filelock import FileLock
from tests.infra import RIGS, Broker
from tests.laps import lap_json, to_bytes
from tests.outbox_file import alter
from tests.rig.rig_program import RigProgram
from tests.scripted_daemon import ScriptedDaemon

RIG = RIGS[1]


@pytest.fixture
def program(mosquitto_broker: Broker, tmp_path: Path) -> RigProgram:
    return RigProgram(tmp_path, RIG, mosquitto_broker, {"MQTT__CLIENT_ID": f"{RIG}-{uuid.uuid4().hex}"})


async def examined(program: RigProgram) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and what was found by its subject."""
    done = await program("doctor", "--json")
    return done.code, {finding["subject"]: finding for finding in json.loads(done.output)}


async def test_a_rig_that_is_well(mosquitto_broker: Broker, program: RigProgram, tmp_path: Path) -> None:
    """Everything is good, the clock by the last answer; exit code 0, and the table says the same."""
    (tmp_path / "lap.json").write_bytes(to_bytes(lap_json()))
    async with ScriptedDaemon(mosquitto_broker, RIG):
        assert (await program("publish", "lap.json")).code == 0

    code, found = await examined(program)

    assert code == 0, found
    assert {subject: finding["verdict"] for subject, finding in found.items()} == dict.fromkeys(
        ("name", "TLS", "broker", "access list", "packets", "outbox", "disk", "clock", "recordings"), "good"
    )
    assert "agrees with the server's" in found["clock"]["found"]
    assert "MQTT 5 connection" in (await program("doctor")).output


async def test_a_wrong_password_is_found(program: RigProgram) -> None:
    """With what to do, and the rest is looked at all the same."""
    program.environment["RACING_COACH_MQTT__PASSWORD"] = "guessed"

    code, found = await examined(program)

    assert code == 1
    assert found["credentials"]["verdict"] == "bad"
    assert "mosquitto_passwd" in found["credentials"]["remedy"]
    assert found["outbox"]["verdict"] == "good"


async def test_a_name_that_is_not_the_users_is_found(program: RigProgram) -> None:
    """The access list lets a user write as itself only."""
    program.environment["RACING_COACH_RIG"] = "somebody-else"

    code, found = await examined(program)

    assert code == 1
    assert found["name"]["verdict"] == "advice"
    assert found["access list"]["verdict"] == "bad"
    assert "rigs/somebody-else/" in found["access list"]["remedy"]


async def test_beside_a_running_program_it_does_not_connect(program: RigProgram) -> None:
    """A second connection with the rig's name would end the first; what that one found is told."""
    program.environment["RACING_COACH_MQTT__PASSWORD"] = "guessed"
    (program.home / "lap.json").write_bytes(to_bytes(lap_json()))
    await program("publish", "lap.json")
    with FileLock(program.outbox_path.with_suffix(".sender.lock")):
        code, found = await examined(program)

    assert code == 1
    assert "refused the connection" in found["broker"]["found"]
    assert "credentials" not in found


async def test_a_clock_that_is_off_is_found(mosquitto_broker: Broker, program: RigProgram, tmp_path: Path) -> None:
    """By the answers, whichever way it is off."""
    (tmp_path / "lap.json").write_bytes(to_bytes(lap_json()))
    async with ScriptedDaemon(mosquitto_broker, RIG):
        assert (await program("publish", "lap.json")).code == 0
    alter(program.outbox_path, "update laps set answered_at = answered_at - 90")

    code, found = await examined(program)

    assert code == 1
    assert found["clock"]["found"].endswith("behind the server's")


async def test_what_waits_for_long_and_a_missing_folder_are_found(tmp_path: Path) -> None:
    """And the address of a broker that is not there."""
    program = RigProgram(tmp_path, RIG, None, {"WATCH": tmp_path / "nowhere", "MQTT__HOST": "127.0.0.1"})
    (tmp_path / "lap.json").write_bytes(to_bytes(lap_json()))
    await program("publish", "--timeout", "0.1", "lap.json")
    alter(program.outbox_path, "update laps set spooled_at = spooled_at - 7200")

    code, found = await examined(program)

    assert code == 1
    assert "127.0.0.1:1" in found["broker"]["found"]
    assert "over an hour" in found["outbox"]["found"]
    assert (found["recordings"]["verdict"], str(tmp_path / "nowhere") in found["recordings"]["found"]) == ("bad", True)
