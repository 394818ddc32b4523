"""`racing-coach doctor`: finds the misconfiguration that would break a promise before a lap does."""

import typer

from racing_coach_core.findings import Report, Verdict
from racing_coach_core.stored_documents import DoctorDocument, FindingDocument
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
)
from racing_coach_server.commands.runner import run_async
from racing_coach_server.commands.text import shown
from racing_coach_server.config import Settings, load_settings
from racing_coach_server.doctor.broker import examine_broker
from racing_coach_server.doctor.daemon import examine_daemon
from racing_coach_server.doctor.database import examine_database, examine_replica
from racing_coach_server.doctor.laps import examine_laps

_STYLE = {Verdict.GOOD: "green", Verdict.ADVICE: "yellow", Verdict.BAD: "bold red"}


def doctor(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Look at the database and the broker as the daemon would use them. Exits with 1 if a promise is at risk."""
    one_form(as_json=as_json, as_csv=as_csv)
    settings = load_settings()
    report = run_async(_examine(settings))
    findings = [FindingDocument.model_validate(finding) for finding in report.findings]
    document = DoctorDocument(instance=settings.instance, is_healthy=report.is_healthy, findings=findings)
    if not print_for_programs(document, FindingDocument, findings, as_json=as_json, as_csv=as_csv):
        _print(settings, report)
    raise typer.Exit(0 if report.is_healthy else 1)


async def _examine(settings: Settings) -> Report:
    report = Report()
    is_readable = await examine_database(settings, report)
    if is_readable:
        await examine_laps(settings, report)
    await examine_replica(settings, report)
    await examine_broker(settings, report)
    if is_readable:
        await examine_daemon(settings, report)
    return report


def _print(settings: Settings, report: Report) -> None:
    table = plain_table(f"Instance {settings.instance}")
    for name in ("", "subject", "found", "what to do"):
        table.add_column(name, overflow="fold", no_wrap=not name)
    for finding in report.findings:
        style = _STYLE[finding.verdict]
        words = map(shown, (finding.subject, finding.found, finding.remedy))
        table.add_row(f"[{style}]{finding.verdict}[/]", *words)
    print_table(table)
