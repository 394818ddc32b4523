"""The command line against a real database and broker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.csv as pa_csv
from sqlalchemy.engine import make_url
from tests.daemon import LapClient
from tests.infra import DAEMON, Broker
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow, execute, new_lap

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.identity import content_sha256


def command(broker: Broker, database_url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `racing-coach WORDS` as an operator would, with the daemon's settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RACING_COACH_")}
    environment |= broker.environment(DAEMON) | {
        "RACING_COACH_DATABASE__URL": make_url(database_url).render_as_string(hide_password=False),
        "RACING_COACH_INSTANCE": "commands",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "racing_coach_server.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_laps_are_listed_shown_and_exported(
    start_daemon: StartDaemon, rig: LapClient, broker: Broker, database_url: str, tmp_path: Path
) -> None:
    """A stored lap is found by `laps list`, described by `laps show`, and comes out of `laps export` as it went in."""
    start_daemon()
    lap = new_lap()
    assert (await rig.send(arrow(lap))).status == "success"
    lap_id = str(lap.lap_id)
    listed = command(broker, database_url, "laps", "list").stdout
    (line,) = [line for line in listed.splitlines() if lap_id in line]
    assert "rig-1" in line
    assert lap.session.track_name in line
    shown = command(broker, database_url, "laps", "show", lap_id).stdout
    assert lap.session.track_name in shown
    assert re.search(r"speed\s+│", shown)
    for kind in ("arrow", "json"):
        path = tmp_path / f"lap.{kind}"
        done = command(broker, database_url, "laps", "export", lap_id, "-f", kind, "-o", str(path))
        assert done.returncode == 0, done.stderr
        back = decode_lap(path.read_bytes()).lap
        assert content_sha256(back.lap_time, back.frames) == content_sha256(lap.lap_time, lap.frames)
        assert back.session == lap.session
    path = tmp_path / "lap.csv"
    assert command(broker, database_url, "laps", "export", lap_id, "-o", str(path)).returncode == 0
    assert pa_csv.read_csv(path).num_rows == lap.frames.num_rows


def test_an_unknown_lap_is_one_clear_error(start_daemon: StartDaemon, broker: Broker, database_url: str) -> None:
    """`laps show` of a lap that is not stored says so and what to do, without a traceback."""
    start_daemon()
    done = command(broker, database_url, "laps", "show", "00000000-0000-0000-0000-000000000000")
    assert done.returncode == 1
    assert "racing-coach laps list" in done.stderr
    assert "Traceback" not in done.stderr


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
    listed = command(broker, database_url, "rejected", "list").stdout
    assert "ck_laps_none" in listed or "none" in listed
    number = str(await stored.value("select id from rejected_messages"))
    kept = tmp_path / "payload"
    shown = command(broker, database_url, "rejected", "show", number, "--payload", str(kept))
    assert shown.returncode == 0
    assert kept.read_bytes() == payload
    still = command(broker, database_url, "rejected", "replay", number)
    assert still.returncode == 1
    assert "not stored: " in still.stdout
    await execute(make_url(database_url), "alter table laps drop constraint none")
    replayed = command(broker, database_url, "rejected", "replay", number)
    assert replayed.returncode == 0, replayed.stdout
    assert await stored.counts() == (1, 1, lap.frames.num_rows)
    assert await stored.value("select count(*) from rejected_messages") == 0


def test_doctor_finds_a_working_system(start_daemon: StartDaemon, broker: Broker, database_url: str) -> None:
    """On a migrated database and a broker with our limits the doctor finds nothing that breaks a promise."""
    start_daemon()
    done = command(broker, database_url, "doctor")
    assert done.returncode == 0, done.stdout
    assert "16,777,216 bytes arrive" in done.stdout


def test_doctor_finds_what_is_wrong(broker: Broker, database_url: str) -> None:
    """A database that was never migrated, or is not there, is found, with what to do."""
    done = command(broker, database_url, "doctor")
    assert done.returncode == 1
    assert "racing-coach db upgrade" in done.stdout
    gone = make_url(database_url).set(database="no_such_database").render_as_string(hide_password=False)
    done = command(broker, gone, "doctor")
    assert done.returncode == 1
    assert "RACING_COACH_DATABASE__URL" in done.stdout


def test_db_upgrade_says_where_the_database_is(broker: Broker, database_url: str) -> None:
    """`db upgrade` migrates, and the second time finds nothing to do."""
    for _ in range(2):
        done = command(broker, database_url, "db", "upgrade")
        assert done.returncode == 0, done.stderr
        assert "is at revision 0001" in done.stdout


def test_an_unreachable_database_is_one_clear_error(broker: Broker) -> None:
    """A command that cannot reach the database names the setting, without a traceback."""
    done = command(broker, "postgresql://nobody@127.0.0.1:1/none", "laps", "list")
    assert done.returncode == 1
    assert "RACING_COACH_DATABASE__URL" in done.stderr
    assert "Traceback" not in done.stderr
