"""What the rig's commands show."""

import time

from rich.console import Console
from rich.table import Table

from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox import Entry, Outbox, State
from racing_coach_rig.publish import PublishReport

_STYLE = {"success": "green", "duplicate": "cyan", "rejected": "bold red", "waiting": "yellow"}
_SHOWN = 20


def show_report(console: Console, report: PublishReport, settings: RigSettings) -> None:
    """The answers to what was published."""
    if report.laps:
        table = Table(title=f"Laps of rig {settings.rig}")
        for name in ("file", "lap"):
            table.add_column(name)
        for name in ("frames", "lap time"):
            table.add_column(name, justify="right")
        table.add_column("status")
        table.add_column("message", overflow="fold")
        for lap in report.laps:
            table.add_row(
                lap.path.name,
                str(lap.entry.lap_number),
                f"{lap.frames:,}",
                "unknown" if lap.lap_time is None else f"{lap.lap_time:.3f} s",
                f"[{_STYLE[lap.status]}]{lap.status}",
                lap.message,
            )
        console.print(table)
    for path, note in report.notes:
        console.print(f"[yellow]note[/] {path.name}: {note}", highlight=False)
    for path, refused in report.refused:
        console.print(f"[yellow]not sent[/] {path.name}: {refused.reason} ({refused.frames} frames)", highlight=False)
    for path, reason in report.unreadable:
        console.print(f"[bold red]refused[/] {path.name}: {reason}", highlight=False)
    _say_what_waits(console, report)


def _say_what_waits(console: Console, report: PublishReport) -> None:
    waiting = sum(not lap.is_answered for lap in report.laps)
    if waiting:
        reason = f" ({report.trouble})" if report.trouble else ""
        console.print(
            f"[yellow]{waiting} laps wait on disk[/]{reason}: nothing is lost; `racing-coach-rig run` sends them",
            highlight=False,
        )


def show_status(console: Console, settings: RigSettings, outbox: Outbox) -> None:
    """What waits, what was rejected, and the accounts."""
    contents, accounts = outbox.contents(), outbox.accounts()
    table = Table(title=f"Outbox of rig {settings.rig}", show_header=False)
    age = "" if contents.oldest_waiting_at is None else f", the oldest for {_age(contents.oldest_waiting_at)}"
    table.add_row("file", str(outbox.path))
    table.add_row("broker", f"{settings.mqtt.host}:{settings.mqtt.port}")
    table.add_row("waiting", f"{contents.waiting} laps{age}")
    table.add_row("rejected", f"{contents.rejected} laps")
    table.add_row("disk", f"{contents.bytes / 2**20:,.1f} of {settings.outbox.max_bytes / 2**20:,.0f} MiB")
    table.add_row("ever spooled", str(accounts.spooled))
    table.add_row("ever sent", str(accounts.sent))
    table.add_row(
        "ever answered",
        f"{accounts.stored} success, {accounts.duplicate} duplicate, {accounts.rejected} rejected",
    )
    console.print(table)
    waiting = outbox.entries(State.WAITING, limit=_SHOWN)
    if waiting:
        show_waiting(console, waiting)
    if contents.rejected:
        show_rejected(console, outbox.entries(State.REJECTED))


def show_waiting(console: Console, entries: list[Entry]) -> None:
    """Laps on disk, and why they are still there."""
    table = Table(title=f"Waiting (the first {_SHOWN})" if len(entries) == _SHOWN else "Waiting")
    for name in ("lap", "since", "sent", "why"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        why = entry.trouble or ("no answer yet" if entry.sent else "not sent yet")
        table.add_row(entry.title, _age(entry.spooled_at), f"{entry.sent} times", why)
    console.print(table)


def show_rejected(console: Console, entries: list[Entry]) -> None:
    """Laps set aside, with the reason."""
    table = Table(title="Rejected; `racing-coach-rig rejected retry` sends them again")
    for name in ("lap", "lap_id", "reason"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        reason = entry.answer.message if entry.answer else entry.trouble or ""
        table.add_row(entry.title, str(entry.lap_id), reason)
    console.print(table)


def _age(since: float) -> str:
    seconds = max(0, int(time.time() - since))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
