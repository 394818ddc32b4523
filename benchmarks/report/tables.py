"""A run's figures as tables: on the terminal and for docs/benchmarks.md."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report.targets import TARGETS, Figures

_BEGIN, _END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
_MB = 1e6

type Rows = list[tuple[str, ...]]


def _encodings(figures: Figures) -> Rows:
    """Header first: one column an encoding."""
    arrow, json = figures["arrow"], figures["json"]

    def row(name: str, form: str, *path: str, scale: float = 1.0) -> tuple[str, ...]:
        return (name, *(format(_at(part, path) * scale, form) for part in (arrow, json)))

    rows: Rows = [
        ("", "Arrow", "JSON"),
        row("laps/s", ".1f", "laps_per_s"),
        row("frames/s", ",.0f", "frames_per_s"),
        row("÷ ceiling", ".2f", "ceiling_ratio"),
        row("÷ baseline", ".1f", "baseline_ratio"),
        row("laps in flight (Receive Maximum)", "d", "receive_maximum", scale=1),
    ]
    if "one_in_flight" in arrow:
        rows.append(row("÷ ceiling, one in flight", ".2f", "one_in_flight", "ceiling_ratio"))
    for rigs, name in (("one_rig", "one rig"), ("twenty_rigs", "20 rigs at half load")):
        rows += [row(f"latency {p}, {name}, ms", ".1f", "latency_ms", rigs, p) for p in ("p50", "p99")]
    return [
        *rows,
        row("bytes on the wire per lap, MB", ".2f", "wire_bytes_per_lap", scale=1 / _MB),
        *(row(f"CPU per lap, {who}, ms", ".1f", f"{who}_cpu_s_per_lap", scale=1e3) for who in _CPU_OF),
        row("daemon's peak memory, MB", ".0f", "daemon_rss_peak_bytes", scale=1 / _MB),
        row("the same, 64 laps at once, MB", ".0f", "burst_64_rss_peak_bytes", scale=1 / _MB),
        row("event loop blocked at most, ms", ".1f", "loop_blocked_max_ms"),
    ]


_CPU_OF = ("daemon", "broker", "database")


def _database(figures: Figures) -> Rows:
    layout, growth = figures["layout"], figures["growth"]
    stored = f"{growth['frames_stored']:,}"
    rows: Rows = [
        ("database", ""),
        ("ceiling: binary COPY, one connection", f"{figures['ceiling']['frames_per_s']:,.0f} frames/s"),
        ("the same, a lap", f"{figures['ceiling']['lap_ms']:.1f} ms"),
        ("baseline: pydantic and ORM", f"{figures['baseline']['frames_per_s']:,.0f} frames/s"),
        ("a frame on disk", f"{layout['bytes_per_frame']:.0f} bytes"),
        ("the same in the form before, a row a frame", f"{layout['before']['bytes_per_frame']:.0f} bytes"),
        ("COPY of a lap, the form before ÷ now", f"{layout['copy_speedup']:.2f}"),
        (f"ten channels of a lap in order, {stored} frames stored", f"{layout['read_lap_ms']:.1f} ms"),
    ]
    growth_name = f"rate with {stored} frames stored ÷ with none"
    return [*rows, (growth_name, f"{growth['ratio']:.2f}")]


def _coaching(figures: Figures) -> Rows:
    coaching = figures["coaching"]
    after = coaching["after_answer_ms"]
    return [
        ("coaching", ""),
        *((f"after the answer, one rig, {name}", f"{after[name]:.1f} ms") for name in ("p50", "p90", "p99")),
        (f"CPU of a lap of {coaching['frames_per_lap']:,.0f} frames", f"{coaching['cpu_ms_per_lap']:.1f} ms"),
        ("laps/s stored beside it", f"{coaching['laps_per_s']:.1f}"),
        ("laps/s stored without it", f"{coaching['without_laps_per_s']:.1f}"),
        (f"{coaching['stored_laps']:,} stored laps, one process", f"{coaching['stored_laps_per_s']:.1f} laps/s"),
        ("its peak memory", f"{coaching['stored_rss_peak_bytes'] / _MB:.0f} MB"),
        ("the same laps by racing-coach analyze --all", f"{coaching['anew_laps_per_s']:.1f} laps/s"),
        ("its peak memory", f"{coaching['anew_rss_peak_bytes'] / _MB:.0f} MB"),
    ]


def startup_rows(startup: dict[str, Any]) -> Rows:
    return [
        ("start-up", "ms", "÷ python -c pass"),
        *((name, f"{one['ms']:.0f}", f"{one['ratio']:.1f}") for name, one in startup.items()),
    ]


def _targets(figures: Figures) -> Rows:
    rows: Rows = [("target", "", "measured", "")]
    for target in TARGETS:
        value, met = target.value(figures), target.met(figures)
        bound = f"{'≤' if target.below else '≥'} {target.bound:g}"
        shown = "not measured" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"
        rows.append((target.name, bound, shown, {True: "met", False: "MISSED", None: ""}[met]))
    return rows


def _tables(figures: Figures) -> tuple[Rows, ...]:
    startup = startup_rows(figures["startup"])
    return _encodings(figures), _database(figures), _coaching(figures), startup, _targets(figures)


def print_report(figures: Figures, console: Console) -> None:
    for rows in _tables(figures):
        print_rows(rows, console)


def print_rows(rows: Rows, console: Console) -> None:
    header, *body = rows
    table = Table(*header)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in body:
        table.add_row(*row, style="red" if row[-1] == "MISSED" else None)
    console.print(table)


def write_markdown(figures: Figures, file: Path) -> None:
    """Put the tables between the two marks of a page.

    Raises:
        ValueError: the page has no such marks.
    """
    page = file.read_text()
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{file} has no {_BEGIN} and {_END}")
    tables = "\n\n".join(map(_markdown, _tables(figures)))
    file.write_text(f"{before}{begin}\n\n{_machine(figures['environment'])}\n\n{tables}\n\n{end}{after}")


def _markdown(rows: Rows) -> str:
    header, *body = rows
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *body))


def _machine(env: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in env["packages"].items())
    database = env["postgresql"]
    timescale = f" with TimescaleDB {env['timescaledb']}" if env["timescaledb"] else ""
    return (
        f"Run of {env['at']} ({env['sizes']}): {env['cores']} cores of {env['cpu']}, "
        f"{env['memory_bytes'] / 2**30:.0f} GiB, load {env['load_before']} before it began. {env['broker']}; "
        f"PostgreSQL {database['server_version']}{timescale}, fsync {database['fsync']}, "
        f"synchronous_commit {database['synchronous_commit']}, shared_buffers {database['shared_buffers']}; "
        f"Python {env['python']}, {packages}."
    )


def _at(part: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        part = part[name]
    return part
