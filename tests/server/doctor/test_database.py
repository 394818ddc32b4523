"""The doctor's look at the database."""

from racing_coach_core.findings import Report
from racing_coach_server.config import Settings
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.doctor.database import examine_database


async def test_no_password_is_shown_wherever_it_stands() -> None:
    """A password may be an option of the URL as well as a part of it."""
    url = "postgresql://nobody:first-secret@127.0.0.1:1/none?password=second-secret"
    report = Report()

    await examine_database(Settings(_env_file=None, database=DatabaseSettings(url=url)), report)  # type: ignore[arg-type]  # a secret

    (finding,) = report.findings
    assert finding.verdict == "bad"
    assert "127.0.0.1:1/none" in finding.found
    assert "secret" not in f"{finding}"
