"""What the rig's commands show."""

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from racing_coach_core.lap_times import format_lap_time
from racing_coach_rig.commands.publishing import PublishReport
from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.coaching import in_words

_STYLE = {"success": "green", "duplicate": "cyan", "rejected": "bold red", "waiting": "yellow"}
_SHOWN = 20
_NOT_SENT = "not sent yet: no connection to the broker, or `racing-coach-rig run` does not run"


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
                escape(lap.path.name),
                str(lap.entry.lap_number),
                f"{lap.frames:,}",
                format_lap_time(lap.lap_time),
                f"[{_STYLE[lap.status]}]{lap.status}",
                escape(lap.message),
            )
        console.print(table)
    _show_coaching(console, report)
    for path, note in report.notes:
        _say(console, "[yellow]note[/]", path, note)
    for path, refused in report.refused:
        _say(console, "[yellow]not sent[/]", path, f"{refused.reason} ({refused.frames} frames)")
    for path, reason in report.unreadable:
        _say(console, "[bold red]refused[/]", path, reason)
    _say_what_waits(console, report)


def _show_coaching(console: Console, report: PublishReport) -> None:
    """What the coach said of each lap, in the order of the laps."""
    if not report.coaching:
        return
    table = Table(title="The coach")
    table.add_column("lap", justify="right")
    table.add_column("against", justify="right")
    table.add_column("says", overflow="fold")
    for lap in report.laps:
        said = report.coaching.get(lap.entry.lap_id)
        if said is not None:
            delta = "" if said.delta_s is None else f"{said.delta_s:+.3f} s"
            table.add_row(str(lap.entry.lap_number), delta, escape("\n".join(in_words(said))))
    console.print(table)


def laps(count: int) -> str:
    """How many, in words."""
    return f"{count} lap" if count == 1 else f"{count} laps"


def _say(console: Console, what: str, path: Path, reason: str) -> None:
    console.print(f"{what} {escape(path.name)}: {escape(reason)}", highlight=False, soft_wrap=True)


def _say_what_waits(console: Console, report: PublishReport) -> None:
    waiting = sum(not lap.is_answered for lap in report.laps)
    if waiting:
        reason = f" ({escape(report.trouble)})" if report.trouble else ""
        console.print(
            f"[yellow]on disk: {laps(waiting)}[/]{reason}; nothing is lost, `racing-coach-rig run` sends what is there",
            highlight=False,
            soft_wrap=True,
        )


def show_status(console: Console, settings: RigSettings, outbox: Outbox) -> None:
    """What waits, what was rejected, and the accounts."""
    contents, accounts = outbox.contents(), outbox.accounts()
    table = Table(title=f"Outbox of rig {settings.rig}", show_header=False)
    age = "" if contents.oldest_waiting_at is None else f", the oldest for {_age(contents.oldest_waiting_at)}"
    table.add_row("file", str(outbox.path))
    table.add_row("broker", f"{settings.mqtt.host}:{settings.mqtt.port}")
    table.add_row("waiting", f"{laps(contents.waiting)}{age}")
    table.add_row("rejected", laps(contents.rejected))
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
        why = entry.trouble or ("no answer yet" if entry.sent else _NOT_SENT)
        table.add_row(escape(entry.title), _age(entry.spooled_at), f"{entry.sent} times", escape(why))
    console.print(table)


def show_rejected(console: Console, entries: list[Entry]) -> None:
    """Laps set aside, with the reason."""
    if not entries:
        console.print("no lap was rejected")
        return
    table = Table(title="Rejected; `racing-coach-rig rejected retry` sends them again")
    for name in ("lap", "lap_id", "reason"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        reason = entry.answer.message if entry.answer else entry.trouble or ""
        table.add_row(escape(entry.title), str(entry.lap_id), escape(reason))
    console.print(table)


def _age(since: float) -> str:
    seconds = max(0, int(time.time() - since))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
