"""`racing-coach doctor`: finds the misconfiguration that would break a promise before a lap does."""

import typer
from rich.console import Console
from rich.table import Table

from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import load_settings
from racing_coach_server.doctor.broker import examine_broker
from racing_coach_server.doctor.database import examine_database, examine_replica
from racing_coach_server.doctor.report import Report, Verdict

_STYLE = {Verdict.GOOD: "green", Verdict.ADVICE: "yellow", Verdict.BAD: "bold red"}


def doctor() -> None:
    """Look at the database and the broker as the daemon would use them. Exits with 1 if a promise is at risk."""
    settings = load_settings()
    report = Report()

    async def examine() -> None:
        await examine_database(settings, report)
        await examine_replica(settings, report)
        await examine_broker(settings, report)

    run_async(examine())
    table = Table(title=f"Instance {settings.instance}")
    for name in ("", "subject", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for finding in report.findings:
        style = _STYLE[finding.verdict]
        table.add_row(f"[{style}]{finding.verdict}", finding.subject, finding.found, finding.remedy)
    Console().print(table)
    raise typer.Exit(0 if report.is_healthy else 1)
