"""Writes what a run found as the tables of docs/coaching.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.coaching.columns import CORNERS, FAULTS, of_corners, of_faults
from benchmarks.coaching.summary import SILENCE

_BEGIN: Final = "<!-- coach-eval: begin -->"
_END: Final = "<!-- coach-eval: end -->"


def write_markdown(figures: dict[str, Any], page: Path) -> None:
    """Put the tables of a run between the two marks of a page."""
    before, _, rest = page.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{tables(figures)}\n\n{_END}{after}", "utf-8")


def tables(figures: dict[str, Any]) -> str:
    """What a run found."""
    clean, faults = figures["clean"], figures["faults"]
    on = f"{len(figures['tracks'])} tracks, {len(figures['drivers'])} drivers"
    parts = [
        f"Run of {figures['at']}, set `{figures['set']}`: {on}.",
        f"{faults['stints']} stints with a fault, {clean['laps']} clean laps.",
        _table(("target", "value", "wanted", "met"), map(_target, figures["targets"])),
        _faults("fault", figures["by_fault"], faults),
        _faults("pattern", figures["by_pattern"], faults),
        "Causes, planted down and said across:",
        _confusion(figures["confusion"]),
        f"Causes of false advice on the clean laps: {_counts(clean['causes'])}.",
        _table(CORNERS, (of_corners(row, at_most="at most") for row in figures["corners"])),
    ]
    if "real" in figures:
        parts += [
            f"A real lap, with faults planted in it; {len(figures['real']['corners_m'])} corners found on it:",
            _faults("fault", figures["real"]["by_fault"], figures["real"]["faults"]),
        ]
    return "\n\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _target(one: dict[str, Any]) -> list[str]:
    low, high = one["low"], one["high"]
    bounds = [f"at least {low:g}"] if low is not None else []
    bounds += [f"at most {high:g}"] if high is not None else []
    return [one["name"], f"{one['value']:.3f}", ", ".join(bounds), "yes" if one["met"] else "**no**"]


def _faults(what: str, rows: dict[str, Any], everything: dict[str, Any]) -> str:
    every = (*rows.items(), ("all", everything))
    return _table((what, *FAULTS), ([name, *of_faults(row)] for name, row in every))


def _confusion(rows: dict[str, dict[str, int]]) -> str:
    """Planted down, said across."""
    names = list(rows)
    heads = ["planted, said:", *(str(number) for number in range(1, len(names) + 1)), "silence"]
    lines = (
        [f"{number} {planted}", *(str(row.get(said, "")) for said in names), str(row.get(SILENCE, ""))]
        for number, (planted, row) in enumerate(rows.items(), start=1)
    )
    return _table(heads, lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
