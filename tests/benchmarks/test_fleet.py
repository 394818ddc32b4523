"""A fleet in its quick form: nothing is lost through kills of the daemon, and what were lost would be found."""

import dataclasses
import time
import uuid
from datetime import UTC, datetime

import pytest
from benchmarks.fleet.accounts import compare
from benchmarks.fleet.fleet import Plan
from benchmarks.fleet.report import figures_of
from benchmarks.fleet.rig import Driven
from benchmarks.fleet.run import run_fleet
from sqlalchemy.engine import make_url
from tests.server.support import Stored, new_lap

from racing_coach_core.identity import payload_sha256
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService


@pytest.mark.long  # tests/faults/test_seeded_run.py kills a daemon too; that accounts find what is wrong is below
@pytest.mark.mosquitto
@pytest.mark.faults
def test_nothing_is_lost_while_the_daemon_is_killed(need_mosquitto: None) -> None:
    """Twenty rigs with laps of some seconds, and a daemon that is killed: every lap is stored once, whole."""
    outcome = run_fleet(Plan([20], 10, kill_every_s=4, drain_s=90), lambda _: None, short=True)
    accounts = outcome.accounts
    assert accounts.findings == {}
    assert outcome.kills >= 1
    assert accounts.stored == accounts.driven > 8
    assert accounts.read_back > 5
    (step,) = map(figures_of, outcome.steps)
    assert step.laps_per_s > 0
    assert outcome.peak_rss > 50e6


async def stored_laps(database: Database, count: int) -> list[Driven]:
    """Laps that were driven, stored and answered."""
    laps = []
    for _ in range(count):
        lap = dataclasses.replace(new_lap(), lap_id=uuid.uuid4())
        received = ReceivedLap(lap, "rig-1", "arrow", payload_sha256(lap.lap_id.bytes), datetime.now(UTC))
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received)
        now = time.monotonic()
        driven = Driven("rig-1", lap.lap_id, lap.session.session_id, lap.lap_number, lap, now)
        driven.status, driven.answered, driven.sent = "success", now, 1
        laps.append(driven)
    return laps


async def test_the_accounts_find_what_must_not_be(database: Database, database_url: str, stored: Stored) -> None:
    """A lap that is gone, one with a frame less, one with another value, one that nobody drove, one without an answer."""
    whole, gone, changed, strange, unanswered, refused = await stored_laps(database, 6)
    url = make_url(database_url)
    assert (await compare([whole, gone, changed, strange, unanswered, refused], url)).findings == {}

    await stored.query("delete from laps where id = $1", gone.lap_id)
    await stored.query("update frame_blocks set speed[3] = speed[3] + 1 where lap_id = $1", changed.lap_id)
    unanswered.status = unanswered.answered = None
    refused.status = "rejected: no lap"
    found = (await compare([whole, gone, changed, unanswered, refused], url)).findings

    assert found == {
        "lost: answered as stored, and not there": [str(gone.lap_id)],
        "changed: other values than were driven": [str(changed.lap_id)],
        "strange: stored, and driven by nobody": [str(strange.lap_id)],
        "still in the outbox: never answered": [str(unanswered.lap_id)],
        "answered rejected: no lap": [str(refused.lap_id)],
    }


async def test_the_accounts_find_frames_that_are_missing_or_twice(
    database: Database, database_url: str, stored: Stored
) -> None:
    """Every frame of every lap is counted."""
    short, twice = await stored_laps(database, 2)
    await stored.query("delete from frame_blocks where lap_id = $1 and first_frame = 480", short.lap_id)
    await stored.query(
        "insert into frame_blocks select (jsonb_populate_record(b, '{\"first_frame\": 4800}')).* from frame_blocks b"
        " where lap_id = $1 and first_frame = 0",
        twice.lap_id,
    )
    found = (await compare([short, twice], make_url(database_url))).findings
    assert found["partial: not all frames are there"] == [str(short.lap_id)]
    assert found["doubled: more frames than were driven"] == [str(twice.lap_id)]
