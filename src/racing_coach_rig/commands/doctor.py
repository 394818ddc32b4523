"""`racing-coach-rig doctor`: finds what would keep a lap from the server before a lap does."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from racing_coach_core.findings import Report, Verdict
from racing_coach_rig.config import RigSettings, load_settings
from racing_coach_rig.doctor.broker import examine_broker
from racing_coach_rig.doctor.disk import examine_disk
from racing_coach_rig.outbox.outbox import Outbox

_STYLE = {Verdict.GOOD: "green", Verdict.ADVICE: "yellow", Verdict.BAD: "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look at broker, outbox, disk and clock as the rig would use them. Exits with 1 if laps would not arrive."""
    settings = load_settings()
    report = Report()
    with Outbox(settings.outbox) as outbox:
        asyncio.run(examine_broker(settings, outbox, report))
        examine_disk(settings, outbox, report)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in report.findings], indent=2))
    else:
        _print(settings, report)
    raise typer.Exit(0 if report.is_healthy else 1)


def _print(settings: RigSettings, report: Report) -> None:
    table = Table(Column("", no_wrap=True), "subject", "found", "what to do", title=f"Rig {settings.rig}")
    for column in table.columns[1:]:
        column.overflow = "fold"
    for finding in report.findings:
        style = _STYLE[finding.verdict]
        table.add_row(f"[{style}]{finding.verdict}[/]", finding.subject, escape(finding.found), escape(finding.remedy))
    Console().print(table)
