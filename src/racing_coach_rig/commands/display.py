"""What `status` and `rejected` show."""

import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox

_SHOWN = 20
_NOT_SENT = "not sent yet: no connection to the broker, or `racing-coach-rig run` does not run"


def laps(count: int) -> str:
    """How many, in words."""
    return f"{count} lap" if count == 1 else f"{count} laps"


def show_status(console: Console, settings: RigSettings, outbox: Outbox) -> None:
    """What waits, what was rejected, and the accounts."""
    contents, accounts = outbox.contents(), outbox.accounts()
    table = Table(title=f"Outbox of rig {settings.rig}", show_header=False)
    age = "" if contents.oldest_waiting_at is None else f", the oldest for {_age(contents.oldest_waiting_at)}"
    table.add_row("file", str(outbox.path))
    table.add_row("broker", f"{settings.mqtt.host}:{settings.mqtt.port}")
    way = outbox.way.trouble()
    if way is not None:
        table.add_row("not reached", f"[yellow]{escape(way.reason)}[/] (for {_age(way.since)})")
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
    for name in ("no.", "lap", "since", "sent", "why"):
        table.add_column(name, overflow="fold", no_wrap=name in {"no.", "since"})
    for entry in entries:
        why = entry.trouble or ("no answer yet" if entry.sent else _NOT_SENT)
        table.add_row(str(entry.seq), escape(entry.title), _age(entry.spooled_at), f"{entry.sent} times", escape(why))
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
