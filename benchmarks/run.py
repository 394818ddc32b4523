"""Measures the whole way of a lap with real processes: `make bench`, or `make bench QUICK=1`.

docs/benchmarks.md explains every figure.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.measures.baseline import measure_baseline
from benchmarks.measures.burst import measure_burst
from benchmarks.measures.ceiling import Ceiling, measure_ceiling
from benchmarks.measures.coaching import measure_coaching
from benchmarks.measures.growth import measure_growth
from benchmarks.measures.layout import measure_layout
from benchmarks.measures.sizes import FULL, QUICK, Sizes
from benchmarks.measures.startup import measure_startup
from benchmarks.measures.throughput import Throughput
from benchmarks.report.environment import environment
from benchmarks.report.picture import draw
from benchmarks.report.tables import print_report, write_markdown
from benchmarks.rigs.laps import simulate, write_payloads
from benchmarks.rigs.payloads import Payloads
from benchmarks.servers.database import LAPS_IN_MEMORY, WAL_SEGMENTS
from benchmarks.servers.running import Servers, servers
from racing_coach_core.lap import Lap

ENCODINGS = ("arrow", "json")
_WARM_UP_LAPS = LAPS_IN_MEMORY + 20
"""PostgreSQL's memory is the system's only once it was written to: until then, a lap takes half as long again."""


class Run:
    """One run: everything on the same machine, one after the other."""

    def __init__(self, servers: Servers, sizes: Sizes, scratch: Path, console: Console) -> None:
        self._servers = servers
        self._sizes = sizes
        self._scratch = scratch
        self._console = console

    def measure(self) -> dict[str, Any]:
        figures: dict[str, Any] = {"environment": environment(self._servers)}
        laps = self._step("simulating laps", simulate)
        payloads = self._step("encoding them", lambda: write_payloads(laps, self._scratch))
        throughput = Throughput(self._servers, laps, payloads, self._sizes, self._scratch)
        rounds = self._sizes.startup_rounds
        figures["startup"] = self._step("start-up", lambda: measure_startup(self._servers.dsn, rounds))
        self._step("warming up", lambda: self._warm_up(laps))
        figures["baseline"] = {"frames_per_s": self._step("baseline", lambda: self._baseline(payloads))}
        for encoding in ENCODINGS:
            part = self._step(encoding, partial(throughput.measure, encoding))
            part["baseline_ratio"] = part["frames_per_s"] / figures["baseline"]["frames_per_s"]
            figures[encoding] = part
        figures["ceiling"] = _summary(throughput.ceilings)
        figures["layout"] = self._step("layout", lambda: self._layout(laps))
        for encoding in ENCODINGS:
            burst = self._step(f"64 rigs at once, {encoding}", partial(self._burst, payloads, encoding))
            figures[encoding] |= burst
        figures["coaching"] = self._step("coaching", lambda: self._coaching(payloads))
        figures["growth"] = self._step("growth", lambda: self._growth(payloads))
        figures["layout"]["read_lap_ms"] = figures["growth"].pop("read_lap_ms")
        return figures

    def _step[T](self, name: str, measure: Callable[[], T]) -> T:
        began = time.perf_counter()
        with self._console.status(f"{name} …"):
            result = measure()
        self._console.print(f"[dim]{time.perf_counter() - began:6.1f} s[/]  {name}")
        return result

    def _warm_up(self, laps: list[Lap]) -> None:
        if self._servers.database_processes():  # it is ours
            self._servers.fill_wal(WAL_SEGMENTS)
        measure_ceiling(self._servers, laps, _WARM_UP_LAPS)

    def _baseline(self, payloads: Payloads) -> float:
        return measure_baseline(self._servers, payloads.read("json"), self._sizes.baseline_laps)

    def _layout(self, laps: list[Lap]) -> dict[str, Any]:
        return measure_layout(self._servers, laps, self._sizes.layout_rounds)

    def _burst(self, payloads: Payloads, encoding: str) -> dict[str, Any]:
        return measure_burst(self._servers, payloads, encoding, self._scratch)

    def _coaching(self, payloads: Payloads) -> dict[str, Any]:
        return measure_coaching(self._servers, payloads, self._sizes, self._scratch)

    def _growth(self, payloads: Payloads) -> dict[str, Any]:
        sizes = self._sizes
        return measure_growth(self._servers, payloads, sizes.growth_laps, sizes.growth_frames, self._scratch)


def _summary(ceilings: list[Ceiling]) -> dict[str, Any]:
    rates = [ceiling.frames_per_s for ceiling in ceilings]
    return {
        "frames_per_s": statistics.median(rates),
        "lap_ms": statistics.median(ceiling.lap_ms for ceiling in ceilings),
        "rounds_frames_per_s": rates,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in under two minutes")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--markdown", type=Path, help="also put the tables into this page, between its marks")
    arguments = parser.parse_args()
    console = Console(width=110)
    with servers() as running, tempfile.TemporaryDirectory(prefix="racing-coach-bench-") as scratch:
        console.print(f"{running.broker_name}; database on {running.database.host}")
        figures = Run(running, QUICK if arguments.quick else FULL, Path(scratch), console).measure()
    figures["environment"]["sizes"] = "quick" if arguments.quick else "full"
    figures["environment"]["receive_maximum"] = figures["arrow"]["receive_maximum"]
    print_report(figures, console)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    picture = arguments.output.with_suffix(".png")
    draw(figures, picture)
    if arguments.markdown:
        write_markdown(figures, arguments.markdown)
    console.print(f"figures: {arguments.output}, picture: {picture}")


if __name__ == "__main__":
    main()
