"""Prints what a run found."""

from collections.abc import Iterable
from typing import Any

from benchmarks.coaching.columns import CORNERS, FAULTS, of_corners, of_faults
from benchmarks.coaching.summary import SILENCE, Target
from rich.console import Console
from rich.table import Table


def print_report(figures: dict[str, Any], judged: Iterable[Target], console: Console) -> None:
    """Everything as tables."""
    console.print(_faults("By fault", figures["by_fault"], figures["faults"]))
    console.print(_faults("By pattern", figures["by_pattern"], figures["faults"]))
    console.print(_confusion(figures["confusion"]))
    console.print(_corners(figures["corners"]))
    if "real" in figures:
        console.print(_faults("On the real lap", figures["real"]["by_fault"], figures["real"]["faults"]))
        places = ", ".join(f"{place:.0f}" for place in figures["real"]["corners_m"])
        console.print(f"Corners of the real lap: {len(figures['real']['corners_m'])}, at {places} m")
    clean = figures["clean"]
    console.print(f"Clean laps: {clean['laps']}, causes of false advice: {clean['causes'] or 'none'}")
    table = Table("target", "value", "wanted", "", title="Targets", title_justify="left")
    for one in judged:
        wanted = " and ".join(
            part
            for part in (
                f">= {one.low:g}" if one.low is not None else "",
                f"<= {one.high:g}" if one.high is not None else "",
            )
            if part
        )
        table.add_row(one.name, f"{one.value:.3f}", wanted, "met" if one.met else "[bold]MISSED[/]")
    console.print(table)


def _faults(title: str, rows: dict[str, Any], everything: dict[str, Any]) -> Table:
    table = Table("", *FAULTS, "cost, s", title=title, title_justify="left")
    for name, row in (*rows.items(), ("all", everything)):
        table.add_row(name, *of_faults(row), f"{row['mean_cost_s']:.2f}")
    return table


def _confusion(rows: dict[str, dict[str, int]]) -> Table:
    said = sorted({name for row in rows.values() for name in row} - {SILENCE})
    table = Table(
        "planted \\ said", *(name.replace("_", " ") for name in said), "silence", title="Causes", title_justify="left"
    )
    for planted, row in rows.items():
        table.add_row(planted, *(str(row.get(name, "")) for name in (*said, SILENCE)))
    return table


def _corners(rows: list[dict[str, Any]]) -> Table:
    table = Table(*CORNERS, title="Corner numbers", title_justify="left")
    for row in rows:
        table.add_row(*of_corners(row, at_most="<="))
    return table
