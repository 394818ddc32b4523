"""What the doctor's look at a database finds."""

from sqlalchemy.engine import make_url

from racing_coach_core.findings import Report
from racing_coach_server.config import Settings
from racing_coach_server.doctor.database import examine_database


async def found(database_url: str, subject: str) -> list[str]:
    """All findings of one subject, in words."""
    report = Report()
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    await examine_database(Settings(_env_file=None, database={"url": url}), report)
    return [f"{finding.verdict}: {finding.found}" for finding in report.findings if finding.subject == subject]
