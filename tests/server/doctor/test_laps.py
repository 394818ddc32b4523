"""The doctor's look at what is stored, and at the daemon: for people and for programs."""

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from tests.in_process import Done
from tests.infra import Broker
from tests.server.commands.stints import store
from tests.server.commands.test_commands import command
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, new_laps

from racing_coach_core.stored_documents import DoctorDocument, FindingDocument


def found(done: Done) -> dict[str, FindingDocument]:
    document = DoctorDocument.model_validate_json(done.output)
    assert document.is_healthy is (done.code == 0)
    return {finding.subject: finding for finding in document.findings}


@pytest.fixture
async def url(database_url: str) -> str:
    """A database with two laps."""
    await store(database_url, new_laps(2))
    return database_url


async def test_an_operator_is_told_how_it_goes(broker: Broker, url: str) -> None:
    """Last lap, frames, rejected, backup, disk, clock, TLS, daemon: each is there, with advice where there is some."""
    findings = found(command(broker, url, "doctor", "--json"))
    verdicts = {subject: finding.verdict for subject, finding in findings.items()}
    assert {
        "last lap": "good",
        "frames": "good",
        "rejected": "good",
        "backup": "advice",
        "clock": "good",
        "TLS to the database": "good",
        "TLS to the broker": "good",
        "daemon": "advice",
    }.items() <= verdicts.items()
    assert "disk" in findings
    assert "rig-1" in findings["last lap"].found
    assert "racing-coach backup" in findings["backup"].remedy
    assert "systemctl start" in findings["daemon"].remedy


async def test_frames_that_are_not_those_that_came_are_found(broker: Broker, url: str) -> None:
    """Gone by a restore of half a backup: it breaks a promise, and a lap is named."""
    lap_id = await Stored(url).value("select id from laps limit 1")
    await Stored(url).query("delete from frame_blocks where lap_id = $1 and first_frame = 0", lap_id)
    finding = found(command(broker, url, "doctor", "--json"))["frames"]
    assert finding.verdict == "bad"
    assert str(lap_id) in finding.found
    assert "1 of the last 2 laps" in finding.found


async def test_rejections_that_come_are_told_of(broker: Broker, url: str) -> None:
    """Those of the last hour are worth a look; old ones are not."""
    await Stored(url).query(
        "insert into rejected_messages (topic, reason, errors, payload, payload_sha256, received_at, last_received_at,"
        " times_received) values ('t', 'r', '[]', '', 's', now(), now() - interval '2 days', 1)"
    )
    old = found(command(broker, url, "doctor", "--json"))["rejected"]
    assert (old.verdict, old.found.partition(";")[0]) == ("good", "1 kept")
    await Stored(url).query("update rejected_messages set last_received_at = now()")
    assert found(command(broker, url, "doctor", "--json"))["rejected"].verdict == "advice"


async def test_a_backup_is_as_old_as_it_is(broker: Broker, url: str, tmp_path: Path) -> None:
    """Good when it was made lately; advice when it is old and laps came since."""
    assert command(broker, url, "backup", str(tmp_path / "one")).code == 0
    fresh = found(command(broker, url, "doctor", "--json"))["backup"]
    assert (fresh.verdict, "0 laps came since" in fresh.found) == ("good", True)
    await Stored(url).query("update backups set taken_at = now() - interval '9 days'")
    old = found(command(broker, url, "doctor", "--json"))["backup"]
    assert (old.verdict, old.found.partition(";")[0]) == ("advice", "9 d old, 2 laps came since")


async def test_a_daemon_that_runs_is_seen(broker: Broker, url: str, start_daemon: StartDaemon) -> None:
    """Since when, by what the broker keeps of it; not any more after its end."""
    daemon = start_daemon(database_url=url, instance="commands")
    running = found(command(broker, url, "doctor", "--json"))["daemon"]
    assert (running.verdict, "running since 20" in running.found) == ("good", True), running
    assert daemon.stop() == 0
    gone = found(command(broker, url, "doctor", "--json"))["daemon"]
    assert (gone.verdict, "no daemon 'commands' is running, since 20" in gone.found) == ("advice", True)


def test_findings_are_lines_for_a_spreadsheet(broker: Broker, database_url: str) -> None:
    """The documented fields; --json and --csv at once are refused."""
    rows = list(csv.DictReader(io.StringIO(command(broker, database_url, "doctor", "--csv").output)))
    assert list(rows[0]) == list(FindingDocument.model_fields)
    assert {"last lap", "backup", "daemon"} <= {row["subject"] for row in rows}
    assert command(broker, database_url, "doctor", "--csv", "--json").code == 1
    document = json.loads(command(broker, database_url, "doctor", "--json").output)
    assert document["instance"] == "commands"


async def test_a_restore_that_was_not_finished_is_found(broker: Broker, url: str) -> None:
    """What TimescaleDB's step before a restore has set is still set: the step after it is named."""
    name = make_url(url).database
    await Stored(url).query(f"alter database \"{name}\" set timescaledb.restoring = 'on'")
    finding = found(command(broker, url, "doctor", "--json"))["restore"]
    assert (finding.verdict, "timescaledb_post_restore" in finding.remedy) == ("bad", True)
