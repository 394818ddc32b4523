"""What `publish` shows when it has ended."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from racing_coach_core.lap_times import format_lap_time
from racing_coach_rig.commands.display import laps
from racing_coach_rig.commands.publishing import PublishReport
from racing_coach_rig.config import NAME_IS_USER, RigSettings
from racing_coach_rig.sending.coaching import in_words

_STYLE = {"success": "green", "duplicate": "cyan", "rejected": "bold red", "waiting": "yellow"}


def show_report(console: Console, report: PublishReport, settings: RigSettings, *, verbose: bool = False) -> None:
    """The answers to what was published.

    Args:
        console: where to.
        report: what became of every file.
        settings: the rig's.
        verbose: every note on a file; else one line each.
    """
    if report.laps:
        table = Table(title=f"Laps of rig {settings.rig}")
        for name in ("file", "lap"):
            table.add_column(name, overflow="fold")
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
    _show_planned(console, report)
    _show_coaching(console, report)
    _show_notes(console, report, verbose=verbose)
    for path, reason in report.unreadable:
        _say(console, "[bold red]refused[/]", path, reason)
    _say_what_waits(console, report, settings)


def _show_notes(console: Console, report: PublishReport, *, verbose: bool) -> None:
    """What else is to be known of the files; of one without a lap first why that is."""
    notes: dict[Path, list[tuple[str, str]]] = {}
    for path, note in report.notes:
        notes.setdefault(path, []).append(("[yellow]note[/]", note))
    for path, refused in report.refused:
        said = notes.setdefault(path, [])
        place = 0 if path in report.without_lap else len(said)
        said.insert(place, ("[yellow]not sent[/]", f"{refused.reason} ({refused.frames} frames)"))
    for path, said in notes.items():
        for what, words in said if verbose else said[:1]:
            _say(console, what, path, words)
        more = len(said) - 1
        if more and not verbose:
            words = "1 more note, which --verbose shows" if more == 1 else f"{more} more notes, which --verbose shows"
            _say(console, "[yellow]note[/]", path, words)


def _show_planned(console: Console, report: PublishReport) -> None:
    """What would be sent, and as what."""
    if not report.planned:
        return
    table = Table(title="Would be sent")
    for name in ("file", "lap", "lap time", "frames", "track", "car", "driver"):
        table.add_column(name, overflow="fold", justify="right" if name in {"lap time", "frames"} else "left")
    for lap in report.planned:
        session = lap.session
        table.add_row(
            escape(lap.path.name),
            str(lap.lap_number),
            format_lap_time(lap.lap_time),
            f"{lap.frames:,}",
            escape(session.track_name),
            escape(session.car_name),
            escape(session.driver_name or ""),
        )
    console.print(table)


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


def _say(console: Console, what: str, path: Path, reason: str) -> None:
    console.print(f"{what} {escape(path.name)}: {escape(reason)}", highlight=False, soft_wrap=True)


def _say_what_waits(console: Console, report: PublishReport, settings: RigSettings) -> None:
    waiting = sum(not lap.is_answered for lap in report.laps)
    if waiting:
        reason = f" ({escape(report.trouble)})" if report.trouble else ""
        console.print(
            f"[yellow]on disk: {laps(waiting)}[/]{reason}; nothing is lost, `racing-coach-rig run` sends what is there",
            highlight=False,
            soft_wrap=True,
        )
        if report.is_refused and settings.two_names is not None:
            console.print(f"{escape(settings.two_names)}; {NAME_IS_USER}", highlight=False, soft_wrap=True)
