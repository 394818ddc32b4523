"""A run's figures to look at."""

from pathlib import Path

import matplotlib as mpl

from benchmarks.report.targets import Figures

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_ARROW, _JSON, _DATABASE, _PLAIN = "#1b7f79", "#c8763a", "#3c4f76", "#9aa0a6"
_GOAL = "#b3261e"


def draw(figures: Figures, file: Path) -> None:
    """Rates, latency, CPU and memory, each with its targets as dashed lines, as a PNG."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
    _rates(axes[0, 0], figures)
    _latency(axes[0, 1], figures)
    _cpu(axes[1, 0], figures)
    _memory(axes[1, 1], figures)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    env = figures["environment"]
    database = f"PostgreSQL {env['postgresql']['server_version'].split()[0]}"
    figure.suptitle(f"{env['broker']}, {database}, {env['cores']} cores, {env['at'][:10]}")
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _rates(axis: Axes, figures: Figures) -> None:
    bars = [("COPY alone", figures["ceiling"], _DATABASE)]
    for name, key, colour in (("Arrow", "arrow", _ARROW), ("JSON", "json", _JSON)):
        bars.append((name, figures[key], colour))
        if "one_in_flight" in figures[key]:
            bars.append((f"{name},\none in flight", figures[key]["one_in_flight"], colour))
    bars.append(("pydantic\nand ORM", figures["baseline"], _PLAIN))
    drawn = axis.bar(
        [name for name, _, _ in bars],
        [part["frames_per_s"] for _, part, _ in bars],
        color=[colour for *_, colour in bars],
    )
    axis.bar_label(drawn, fmt="{:,.0f}", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.set_title("Frames stored per second")


def _latency(axis: Axes, figures: Figures) -> None:
    at = 0.0
    ticks: list[tuple[float, str]] = []
    for rigs, name in (("one_rig", "one rig"), ("twenty_rigs", "20 rigs")):
        for key, colour in (("arrow", _ARROW), ("json", _JSON)):
            latency = figures[key]["latency_ms"][rigs]
            axis.bar(at, latency["p99"], color=colour, alpha=0.35)
            drawn = axis.bar(at, latency["p50"], color=colour)
            axis.bar_label(drawn, fmt="{:.0f}", fontsize=8)
            ticks.append((at, f"{key}\n{name}"))
            at += 1
    axis.set_xticks([x for x, _ in ticks], [text for _, text in ticks], fontsize=8)
    copy_ms = figures["arrow"]["latency_ms"]["one_rig"]["copy_ms"]
    axis.hlines([2 * copy_ms, 4 * copy_ms], -0.45, 0.45, colors=_GOAL, linestyles="--", linewidth=1)
    axis.set_title("Publish to answer, ms: median (pale: 99th percentile)")


def _cpu(axis: Axes, figures: Figures) -> None:
    below = [0.0, 0.0]
    for who, colour in (("database", _DATABASE), ("daemon", _ARROW), ("broker", _PLAIN)):
        used = [figures[key][f"{who}_cpu_s_per_lap"] * 1e3 for key in ("arrow", "json")]
        drawn = axis.bar(["Arrow", "JSON"], used, bottom=below, color=colour, label=who, width=0.6)
        axis.bar_label(drawn, fmt="{:.0f}", label_type="center", color="white", fontsize=8)
        below = [a + b for a, b in zip(below, used, strict=True)]
    axis.legend(fontsize=8, frameon=False)
    axis.set_title("CPU time per lap, ms")


def _memory(axis: Axes, figures: Figures) -> None:
    kinds = (
        ("idle", "idle_rss_bytes"),
        ("sustained", "daemon_rss_peak_bytes"),
        ("64 at once", "burst_64_rss_peak_bytes"),
    )
    for row, (key, colour) in enumerate((("arrow", _ARROW), ("json", _JSON))):
        places = [number + 0.4 * row for number in range(len(kinds))]
        drawn = axis.bar(places, [figures[key][name] / 1e6 for _, name in kinds], width=0.38, color=colour, label=key)
        axis.bar_label(drawn, fmt="{:.0f}", fontsize=8)
        axis.hlines(
            {"arrow": 300, "json": 450}[key],
            places[-1] - 0.19,
            places[-1] + 0.19,
            colors=_GOAL,
            linestyles="--",
            linewidth=1,
        )
    axis.set_xticks([number + 0.2 for number in range(len(kinds))], [name for name, _ in kinds])
    axis.legend(fontsize=8, frameon=False, loc="upper left")
    axis.set_title("The daemon's memory at its peak, MB")
