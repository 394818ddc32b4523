"""What a fleet's run came to, in tables and in words."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.fleet.capacity import Cost, plan_rows, rig_rows
from benchmarks.fleet.fleet import Outcome, Step
from benchmarks.report.page import machine, markdown, put
from benchmarks.rigs.publish import percentiles

ANSWER_P99_S = 1.0
DAEMON_RSS = 400e6
_NAMED = 5
_MB = 1e6


@dataclass(frozen=True)
class Figures:
    """A step in numbers; times in ms, memory in MB, CPU in cores."""

    rigs: int
    laps_per_s: float
    answer: dict[str, float]
    advice: dict[str, float]
    advised: float
    cores: dict[str, float]
    rss: dict[str, float]
    queued: int
    behind: int
    unanswered: int
    load: float

    @property
    def holds(self) -> bool:
        """Whether the step could go on like this for ever: answers in time, nobody falls behind."""
        return self.answer["p99"] < ANSWER_P99_S * 1e3 and self.advised > 0.9


def figures_of(step: Step) -> Figures:
    """The numbers of a step."""
    answers = [lap.answered - lap.finished for lap in step.laps if lap.answered is not None]
    advice = [lap.advised - lap.finished for lap in step.laps if lap.advised is not None]
    rss = {
        name: max((sample.rss[name] for sample in step.samples), default=0) / _MB
        for name in (step.samples[0].rss if step.samples else ())
    }
    return Figures(
        rigs=step.rigs,
        laps_per_s=len(step.laps) / step.seconds,
        answer=_percentiles(answers),
        advice=_percentiles(advice),
        advised=len(advice) / max(1, len(step.laps)),
        cores=step.cores,
        rss=rss,
        queued=max((sample.queued for sample in step.samples), default=0),
        behind=max((sum(sample.behind.values()) for sample in step.samples), default=0),
        unanswered=step.unanswered,
        load=step.load,
    )


def _percentiles(seconds: list[float]) -> dict[str, float]:
    if len(seconds) > 1:
        return percentiles(seconds)
    return dict.fromkeys(("p50", "p90", "p99", "max"), statistics.mean(seconds) * 1e3 if seconds else float("inf"))


def print_report(outcome: Outcome, console: Console) -> bool:
    """Print everything. Returns whether nothing was found that must not be."""
    cost = cost_of(outcome)
    for rows, title in (
        (figure_rows(outcome), "Fleet; CPU in cores, memory in MB"),
        (account_rows(outcome), "Accounts"),
        (rig_rows(cost), "Rigs"),
        (plan_rows(cost), "Plan"),
    ):
        table = Table(*rows[0], title=title)
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
    for sentence in sentences(outcome):
        console.print(sentence)
    _print_findings(outcome, console)
    return not outcome.accounts.findings


def write_report(outcome: Outcome, page: Path, load_before: float) -> None:
    """Put the same into a page of the documentation."""
    found = "; ".join(f"{what}: {len(laps):,}" for what, laps in outcome.accounts.findings.items())
    last = f"**Found: {found}.**" if found else "Nothing was lost, doubled or partial."
    tables = markdown(figure_rows(outcome)), markdown(account_rows(outcome))
    put(page, "fleet", machine(load_before), *tables, *sentences(outcome), last)
    cost = cost_of(outcome)
    put(page, "rigs", markdown(rig_rows(cost)))
    put(page, "plan", markdown(plan_rows(cost)))


def cost_of(outcome: Outcome) -> Cost:
    """What a lap cost in the last step that held; in the first, if none did."""
    steps = [figures_of(step) for step in outcome.steps]
    held = next((step for step in reversed(steps) if step.holds), steps[0])
    return Cost.seen(
        lap_s=statistics.mean(lap.lap.lap_time or 0.0 for step in outcome.steps for lap in step.laps),
        laps_per_s=held.laps_per_s,
        rigs=held.rigs,
        cores=held.cores,
        broker_mb=held.rss.get("broker", 0.0),
        daemon_bytes=outcome.peak_rss,
        wire=outcome.wire,
        laps=outcome.accounts.stored,
        before=outcome.before,
        after=outcome.after,
    )


def sentences(outcome: Outcome) -> list[str]:
    """What a table does not hold."""
    steps = [figures_of(step) for step in outcome.steps]
    coach = "the coach was not done when the run ended"
    if outcome.caught_up_s is not None:
        coach = f"the coach was done {outcome.caught_up_s:.1f} s later"
    said = [_knee(steps)] if len(steps) > 1 else []
    said.append(
        f"The daemon took {outcome.peak_rss / _MB:.0f} MB at most; the last answers came {outcome.drained_s:.1f} s "
        f"after the last laps, and {coach}."
    )
    if outcome.kills:
        often = "once" if outcome.kills == 1 else f"{outcome.kills} times"
        away = f"{statistics.median(outcome.away_s):.1f} s in the median, {max(outcome.away_s):.1f} s at most"
        said.append(f"The daemon was killed {often}, and away for {away}.")
    return said


def figure_rows(outcome: Outcome) -> list[list[str]]:
    """The steps beside one another."""
    steps = [figures_of(step) for step in outcome.steps]
    rows = [["", *(f"{step.rigs:,} rigs" for step in steps)]]
    for name, show in (
        ("laps a second", lambda f: f"{f.laps_per_s:.1f}"),
        ("answer p50, ms", lambda f: f"{f.answer['p50']:.0f}"),
        ("answer p99, ms", lambda f: f"{f.answer['p99']:.0f}"),
        ("answer at most, ms", lambda f: f"{f.answer['max']:.0f}"),
        ("advice p50, ms", lambda f: f"{f.advice['p50']:.0f}"),
        ("advice p99, ms", lambda f: f"{f.advice['p99']:.0f}"),
        ("laps spoken of in time, %", lambda f: f"{100 * f.advised:.1f}"),
        *((f"CPU {part}", lambda f, part=part: f"{f.cores[part]:.2f}") for part in steps[0].cores),
        *((f"memory {part}", lambda f, part=part: f"{f.rss.get(part, 0):.0f}") for part in steps[0].cores),
        ("messages at the broker, most", lambda f: f"{f.queued:,}"),
        ("followers behind, most", lambda f: f"{f.behind:,}"),
        ("not answered at its end", lambda f: f"{f.unanswered:,}"),
        ("load of the machine", lambda f: f"{f.load:.1f}"),
    ):
        rows.append([name, *map(show, steps)])
    return rows


def _knee(steps: Sequence[Figures]) -> str:
    """The last step that holds, before the first that does not."""
    held = [step.rigs for step in steps[: next((n for n, s in enumerate(steps) if not s.holds), len(steps))]]
    if len(held) == len(steps):
        return f"Knee: not reached, {steps[-1].rigs:,} rigs hold."
    if not held:
        return f"Knee: below {steps[0].rigs:,} rigs."
    failed = steps[len(held)]
    why = "answer p99 is over 1 s" if failed.answer["p99"] >= ANSWER_P99_S * 1e3 else "the coach falls behind"
    return f"Knee: {held[-1]:,} rigs hold, at {failed.rigs:,} {why}."


def account_rows(outcome: Outcome) -> list[list[str]]:
    """Both sides, in numbers of laps."""
    accounts = outcome.accounts
    numbers = {
        "driven by the rigs": accounts.driven,
        "stored in the database": accounts.stored,
        "answered duplicate": accounts.duplicates,
        "sent again by a rig": accounts.sent_again,
        "read back, value by value": accounts.read_back,
        "spoken of by the coach": accounts.coached,
        "of which published": accounts.published,
        "heard by the rigs": accounts.heard,
        "connections lost by rigs": outcome.reconnects,
        "publications refused by the broker": outcome.refused,
    }
    return [["accounts of both sides", "laps"], *([name, f"{number:,}"] for name, number in numbers.items())]


def _print_findings(outcome: Outcome, console: Console) -> None:
    for what, laps in outcome.accounts.findings.items():
        more = f" and {len(laps) - _NAMED:,} more" if len(laps) > _NAMED else ""
        console.print(f"[bold red]finding[/] {what}: {len(laps):,} ({', '.join(laps[:_NAMED])}{more})")
    if not outcome.accounts.findings:
        console.print("[bold green]nothing lost, nothing doubled, nothing partial[/]")
