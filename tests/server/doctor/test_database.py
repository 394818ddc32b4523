"""The doctor's look at the database."""

import pytest
from sqlalchemy.engine import make_url
from tests.server.support import Stored, new_lap
from tests.server.telemetry.storing import store_frames

from racing_coach_server.config import DatabaseSettings, Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.doctor.database import examine_database
from racing_coach_server.doctor.report import Report


async def test_no_password_is_shown_wherever_it_stands() -> None:
    """A password may be an option of the URL as well as a part of it."""
    url = "postgresql://nobody:first-secret@127.0.0.1:1/none?password=second-secret"
    report = Report()

    await examine_database(Settings(_env_file=None, database=DatabaseSettings(url=url)), report)  # type: ignore[arg-type]  # a secret

    (finding,) = report.findings
    assert finding.verdict == "bad"
    assert "127.0.0.1:1/none" in finding.found
    assert "secret" not in f"{finding}"


async def found(database_url: str, subject: str) -> list[str]:
    report = Report()
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    await examine_database(Settings(_env_file=None, database={"url": url}), report)
    return [f"{finding.verdict}: {finding.found}" for finding in report.findings if finding.subject == subject]


@pytest.mark.parametrize(
    "damage",
    [
        "delete from frame_blocks where lap_id = $1 and first_frame = 0",
        "delete from frame_blocks where lap_id = $1",
        "update frame_blocks set frame_count = frame_count - 1 where lap_id = $1 and first_frame = 0",
    ],
)
async def test_a_lap_without_all_its_frames_is_found(
    database: Database, database_url: str, stored: Stored, damage: str
) -> None:
    """After a restore of half a backup, say; nothing is found where nothing is missing."""
    lap_id = await store_frames(database, new_lap().frames)
    await store_frames(database, new_lap().frames)
    assert await found(database_url, "frames") == ["good: the newest 1,000 laps have all of theirs"]

    await stored.query(damage, lap_id)

    (finding,) = await found(database_url, "frames")
    assert finding.startswith("bad: 1 of the newest 1,000 laps")
    assert str(lap_id) in finding
