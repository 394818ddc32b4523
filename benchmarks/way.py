"""Where the time of a lap goes on its way through the daemon: `python -m benchmarks.way --laps 150`.

With one lap in flight, and with as many as there are by default: when each step begins and how long it takes, the
median over the laps, ms from the moment at which the daemon takes the lap in hand; beside COPY alone, and the CPU time
of each process.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.measures.ceiling import measure_ceiling
from benchmarks.measures.throughput import BUSY_RIGS
from benchmarks.measures.usage import CpuMeter
from benchmarks.rigs.laps import simulate, write_payloads
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.database import LAPS_IN_MEMORY
from benchmarks.servers.running import Servers, servers
from benchmarks.servers.timed_daemon import STEPS
from racing_coach_core.lap import Lap
from racing_coach_server.config import DeliverySettings

_TIMED: Final = "benchmarks.servers.timed_daemon"
_CEILING_LAPS: Final = 20
_WARM_UP_LAPS: Final = 2 * BUSY_RIGS
console = Console(width=110)


def measure(
    servers: Servers, laps: list[Lap], payloads: Payloads, *, count: int, concurrency: int, scratch: Path
) -> None:
    """Laps without a pause, so many at once."""
    scratch.mkdir()
    with daemon(servers, scratch, concurrency=concurrency, program=_TIMED) as running:
        publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=_WARM_UP_LAPS)
        servers.empty()
        before = measure_ceiling(servers, laps, _CEILING_LAPS)
        meter = CpuMeter({"daemon": lambda: [running.psutil], "database": servers.database_processes})
        published = publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=count)
        cpu = {name: seconds / count * 1e3 for name, seconds in meter.seconds().items()}
        copy_ms = statistics.mean([before.lap_ms, measure_ceiling(servers, laps, _CEILING_LAPS).lap_ms])
    (steps,) = scratch.rglob("steps.json")
    console.print(
        f"{concurrency} in flight: a lap every {1e3 / published.laps_per_s:.1f} ms, COPY alone {copy_ms:.1f} ms; CPU "
        + ", ".join(f"{name} {ms:.1f} ms" for name, ms in cpu.items())
    )
    console.print(_table(json.loads(steps.read_text())[_WARM_UP_LAPS:]))


def _table(laps: list[list[tuple[str, float, float]]]) -> Table:
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for lap in laps:
        for name, begin, end in lap:
            spans[name].append((begin * 1e3, (end - begin) * 1e3))
    if missing := [name for name, *_ in STEPS if name not in spans]:
        raise RuntimeError(f"nothing noted of {', '.join(missing)}: does benchmarks/servers/timed_daemon.py name them?")
    rows = [(name, *(statistics.median(times) for times in zip(*both, strict=True))) for name, both in spans.items()]
    table = Table("step", "begins, ms", "takes, ms")
    for name, begins, takes in sorted(rows, key=lambda row: row[1]):
        table.add_row(name, f"{begins:.1f}", f"{takes:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", type=int, default=150)
    count = parser.parse_args().laps
    with servers() as running, tempfile.TemporaryDirectory(prefix="racing-coach-bench-") as directory:
        scratch = Path(directory)
        laps = simulate()
        payloads = write_payloads(laps, scratch)
        measure_ceiling(running, laps, LAPS_IN_MEMORY)
        for concurrency in (1, DeliverySettings().concurrency):
            folder = scratch / f"way-{concurrency}"
            measure(running, laps, payloads, count=count, concurrency=concurrency, scratch=folder)


if __name__ == "__main__":
    main()
