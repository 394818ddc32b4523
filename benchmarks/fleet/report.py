"""What a fleet's run came to, in tables and in words."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.fleet.fleet import Outcome, Step
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
    steps = [figures_of(step) for step in outcome.steps]
    console.print(_table(steps))
    if len(steps) > 1:
        console.print(_knee(steps))
    _print_accounts(outcome, console)
    console.print(
        f"daemon: at most {outcome.peak_rss / _MB:.0f} MB; the last answers came after {outcome.drained_s:.1f} s"
        + (
            f", the coach was done {outcome.caught_up_s:.1f} s later"
            if outcome.caught_up_s is not None
            else "; the coach was not done when the run ended"
        )
    )
    if outcome.kills:
        console.print(
            f"the daemon was killed {outcome.kills} times, and away for {statistics.median(outcome.away_s):.1f} s in "
            f"the median, {max(outcome.away_s):.1f} s at most"
        )
    _print_findings(outcome, console)
    return not outcome.accounts.findings


def _table(steps: Sequence[Figures]) -> Table:
    table = Table("", *(f"{step.rigs:,} rigs" for step in steps), title="Fleet; CPU in cores, memory in MB")
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
        table.add_row(name, *map(show, steps))
    return table


def _knee(steps: Sequence[Figures]) -> str:
    """The last step that holds, before the first that does not."""
    held = [step.rigs for step in steps[: next((n for n, s in enumerate(steps) if not s.holds), len(steps))]]
    if len(held) == len(steps):
        return f"knee: not reached; {steps[-1].rigs:,} rigs hold (answer p99 under 1 s, over 90 % spoken of in time)"
    if not held:
        return f"knee: below {steps[0].rigs:,} rigs"
    failed = steps[len(held)]
    why = "answer p99 is over 1 s" if failed.answer["p99"] >= ANSWER_P99_S * 1e3 else "the coach falls behind"
    return f"knee: {held[-1]:,} rigs hold, at {failed.rigs:,} {why}"


def _print_accounts(outcome: Outcome, console: Console) -> None:
    accounts = outcome.accounts
    table = Table("", "laps", title="Accounts of both sides")
    for name, value in (
        ("driven by the rigs", accounts.driven),
        ("stored in the database", accounts.stored),
        ("answered duplicate", accounts.duplicates),
        ("sent again by a rig", accounts.sent_again),
        ("read back, value by value", accounts.read_back),
        ("spoken of by the coach", accounts.coached),
        ("of which published", accounts.published),
        ("heard by the rigs", accounts.heard),
        ("connections lost by rigs", outcome.reconnects),
        ("publications refused by the broker", outcome.refused),
    ):
        table.add_row(name, f"{value:,}")
    console.print(table)


def _print_findings(outcome: Outcome, console: Console) -> None:
    for what, laps in outcome.accounts.findings.items():
        more = f" and {len(laps) - _NAMED:,} more" if len(laps) > _NAMED else ""
        console.print(f"[bold red]finding[/] {what}: {len(laps):,} ({', '.join(laps[:_NAMED])}{more})")
    if not outcome.accounts.findings:
        console.print("[bold green]nothing lost, nothing doubled, nothing partial[/]")
