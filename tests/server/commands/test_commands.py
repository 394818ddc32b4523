"""The command line against a real database and broker, in this process but for one test."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pyarrow.csv as pa_csv
from sqlalchemy.engine import make_url
from tests.in_process import Done, run_here
from tests.infra import DAEMON, Broker
from tests.lap_client import LapClient
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow, execute, mqtt_settings, new_lap
from tests.servers import PostgresProcess
from tests.waiting import TIMEOUT_S

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.content import content_sha256
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.database.init_db import head_revision
from racing_coach_server.main import main


def settings_of(broker: Broker, database_url: str) -> dict[str, str]:
    """The environment of an operator's shell: with the daemon's settings, and nobody else's."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RACING_COACH_")}
    return environment | {
        **broker.environment(DAEMON),
        "RACING_COACH_DATABASE__URL": make_url(database_url).render_as_string(hide_password=False),
        "RACING_COACH_INSTANCE": "commands",
        "COLUMNS": "200",
    }


def command(broker: Broker, database_url: str, *words: str) -> Done:
    """`racing-coach WORDS`, with the daemon's settings."""
    return run_here(main, *words, environment=settings_of(broker, database_url), cwd=Path.cwd())


def test_the_program_ends_with_its_exit_code(broker: Broker, database_url: str) -> None:
    """In a process of its own, as an operator runs it: output, errors and exit code are where a shell looks for them."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = settings_of(broker, database_url)
        program = Path(sys.executable).with_name("racing-coach")
        return subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )

    listed, unknown = run("rejected", "list"), run("laps", "show", str(uuid.UUID(int=0)))
    assert (listed.returncode, listed.stderr) == (0, "no message was rejected\n")
    assert listed.stdout
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "racing-coach laps list" in unknown.stderr
    assert "Traceback" not in unknown.stderr


async def test_laps_are_listed_shown_and_exported(
    start_daemon: StartDaemon, rig: LapClient, broker: Broker, database_url: str, tmp_path: Path
) -> None:
    """A stored lap is found by `laps list`, described by `laps show`, and comes out of `laps export` as it went in."""
    start_daemon()
    lap = new_lap()
    assert (await rig.send(arrow(lap))).status == "success"
    lap_id = str(lap.lap_id)
    listed = command(broker, database_url, "laps", "list").output
    (line,) = [line for line in listed.splitlines() if lap_id in line]
    assert "rig-1" in line
    assert lap.session.track_name in line
    shown = command(broker, database_url, "laps", "show", lap_id).output
    assert lap.session.track_name in shown
    assert re.search(r"^speed .* m/s ", shown, re.MULTILINE)
    for kind in ("arrow", "json"):
        path = tmp_path / f"lap.{kind}"
        done = command(broker, database_url, "laps", "export", lap_id, "-f", kind, "-o", str(path))
        assert done.code == 0, done.errors
        back = decode_lap(path.read_bytes()).lap
        assert content_sha256(back.lap_time, back.frames) == content_sha256(lap.lap_time, lap.frames)
        assert back.session == lap.session
    path = tmp_path / "lap.csv"
    assert command(broker, database_url, "laps", "export", lap_id, "-o", str(path)).code == 0
    assert pa_csv.read_csv(path).num_rows == lap.frames.num_rows


def test_an_unknown_lap_is_one_clear_error(start_daemon: StartDaemon, broker: Broker, database_url: str) -> None:
    """`laps show` of a lap that is not stored says so and what to do, without a traceback."""
    start_daemon()
    done = command(broker, database_url, "laps", "show", "00000000-0000-0000-0000-000000000000")
    assert done.code == 1
    assert "racing-coach laps list" in done.errors
    assert "Traceback" not in done.errors


async def test_a_rejected_lap_is_replayed_once_its_cause_is_mended(
    start_daemon: StartDaemon, rig: LapClient, broker: Broker, database_url: str, stored: Stored, tmp_path: Path
) -> None:
    """A lap that the database refused is listed with the reason, and stored by `rejected replay` afterwards."""
    start_daemon()
    await execute(make_url(database_url), "alter table laps add constraint none check (lap_number < 0)")
    lap = new_lap()
    payload = arrow(lap)
    answer = await rig.send(payload)
    assert answer.status == "rejected"
    listed = command(broker, database_url, "rejected", "list").output
    assert "ck_laps_none" in listed or "none" in listed
    number = str(await stored.value("select id from rejected_messages"))
    kept = tmp_path / "payload"
    shown = command(broker, database_url, "rejected", "show", number, "--payload", str(kept))
    assert shown.code == 0
    assert kept.read_bytes() == payload
    still = command(broker, database_url, "rejected", "replay", number)
    assert still.code == 1
    assert "not stored: " in still.output
    await execute(make_url(database_url), "alter table laps drop constraint none")
    replayed = command(broker, database_url, "rejected", "replay", number)
    assert replayed.code == 0, replayed.output
    assert await stored.counts() == (1, 1, lap.frames.num_rows)
    assert await stored.value("select count(*) from rejected_messages") == 0


def test_doctor_finds_a_working_system(
    start_daemon: StartDaemon, broker: Broker, postgres_process: PostgresProcess
) -> None:
    """On a migrated, durable database and a broker with our limits it finds nothing that breaks a promise."""
    start_daemon(database_url=postgres_process.url)
    done = command(broker, postgres_process.url, "doctor")
    assert done.code == 0, done.output
    assert "16,777,216 bytes arrive" in done.output


def test_doctor_finds_what_is_wrong(broker: Broker, empty_database_url: str) -> None:
    """A database that was never migrated, or is not there, is found, with what to do."""
    done = command(broker, empty_database_url, "doctor")
    assert done.code == 1
    assert "racing-coach db upgrade" in done.output
    gone = make_url(empty_database_url).set(database="no_such_database").render_as_string(hide_password=False)
    done = command(broker, gone, "doctor")
    assert done.code == 1
    assert "RACING_COACH_DATABASE__URL" in done.output


async def test_a_former_session_is_ended(mosquitto_broker: Broker, database_url: str) -> None:
    """The broker goes on to queue laps for the client id of before; the daemon's own is not touched."""
    former = f"racing-coach-{uuid.uuid4().hex[:8]}"
    settings = mqtt_settings(mosquitto_broker, DAEMON)
    async with Connection(settings, client_id=former):
        pass

    ended = command(mosquitto_broker, database_url, "end-session", former)
    own = command(mosquitto_broker, database_url, "end-session", settings.unguessable("racing-coach-commands"))

    assert ended.code == 0, ended.errors
    async with Connection(settings, client_id=former) as connection:
        assert not connection.session_present
    assert command(mosquitto_broker, database_url, "end-session", former).code == 0
    assert own.code == 1
    assert "is the client id of this daemon" in own.errors


def test_db_upgrade_says_where_the_database_is(broker: Broker, empty_database_url: str) -> None:
    """`db upgrade` migrates, and the second time finds nothing to do."""
    for _ in range(2):
        done = command(broker, empty_database_url, "db", "upgrade")
        assert done.code == 0, done.errors
        assert f"is at revision {head_revision()}" in done.output


def test_an_unreachable_database_is_one_clear_error(broker: Broker) -> None:
    """A command that cannot reach the database names the setting, without a traceback."""
    done = command(broker, "postgresql://nobody@127.0.0.1:1/none", "laps", "list")
    assert done.code == 1
    assert "RACING_COACH_DATABASE__URL" in done.errors
    assert "Traceback" not in done.errors
