"""Measures the pages in a real browser: `make bench-web`, or `make bench-web QUICK=1`."""

import argparse
import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from rich.console import Console
from rich.table import Table
from tests.web.stage import Stage

from benchmarks.web.browser import chromium, stage
from benchmarks.web.live import an_hour, latency, viewers
from benchmarks.web.plots import cursor, drive_long_laps, first_plots
from benchmarks.web.weight import weight

TARGETS = {
    "first plot, first visit, median ms": 400,
    "first plot, later, median ms": 400,
    "cursor over ten plots, script a frame, p95 ms": 8,
    "heaviest page, kB": 200,
    "heap growth of an hour, MB": 1,
    "answer to page, worst ms": 250,
    "web process with 50 viewers, after laps were opened, MB": 150,
}


async def measure(running: Stage, browser: Browser, *, quick: bool) -> dict[str, Any]:
    """Everything, one after the other."""
    lap_ids, frames = await drive_long_laps(running, 7 if quick else 13)
    figures: dict[str, Any] = {
        "environment": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            "browser": browser.version,
            "broker": f"{running.broker.kind} {running.broker.version}",
        },
        "frames": frames,
    }
    figures["first_plot"] = await first_plots(browser, running, lap_ids)
    figures["cursor"] = await cursor(browser, running, lap_ids[0])
    figures["weight_kb"] = await weight(browser, running)
    figures["latency"] = await latency(browser, running, 10 if quick else 40)
    figures["hour"] = await an_hour(browser, running, 15 if quick else 45)
    figures["viewers"] = await viewers(running, 50, 10 if quick else 40, lap_ids)
    return figures


def summary(figures: dict[str, Any]) -> dict[str, float]:
    """What has a target."""
    return dict(
        zip(
            TARGETS,
            (
                figures["first_plot"]["first_visit_ms"]["median"],
                figures["first_plot"]["later_ms"]["median"],
                figures["cursor"]["script_ms"]["p95"],
                max(figures["weight_kb"].values()),
                figures["hour"]["growth_mb"],
                figures["latency"]["worst_ms"],
                figures["viewers"]["web_rss_mb_after_laps_were_opened"],
            ),
            strict=True,
        )
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("build/web-bench.json"))
    options = parser.parse_args()
    with stage() as running:
        figures = asyncio.run(_with_browser(running, quick=options.quick))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(figures, indent=2))
    table = Table("", "measured", "target")
    for name, value in summary(figures).items():
        met = "[green]" if value <= TARGETS[name] else "[red]"
        table.add_row(name, f"{met}{value:g}[/]", f"at most {TARGETS[name]:g}")
    console = Console()
    console.print(table)
    console.print_json(json.dumps(figures))
    console.print(f"written to {options.output}")


async def _with_browser(running: Stage, *, quick: bool) -> dict[str, Any]:
    async with chromium() as browser:
        return await measure(running, browser, quick=quick)


if __name__ == "__main__":
    main()
