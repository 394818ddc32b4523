"""What it takes to export, erase and prune laps by the thousand, beside laps that come: `make lifecycle`.

LAPS=100,300 has other sizes. So many laps of one driver are exported and then erased, and as many of another one are
pruned, by the commands as they are, while rigs drive and the coach speaks. Prints how long each took, and its memory at
most. Exits with 1 if more laps took more memory. docs/scaling.md says what it means.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.fleet.meters import load
from benchmarks.lifecycle.copies import copy_laps
from benchmarks.lifecycle.ingest import RIGS, Ingest
from benchmarks.lifecycle.took import HEADER, Took, grown
from benchmarks.report.page import machine, markdown, put
from benchmarks.rigs.laps import simulate, write_payloads
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import percentiles, publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.running import Servers, servers

SIZES: Final = (500, 2_000)
_ORIGINALS: Final = 24
_OLD: Final = timedelta(days=800)
_ROOT: Final = Path(benchmarks.__file__).parent.parent


class Run:
    """All commands with all sizes, one after the other."""

    def __init__(self, servers: Servers, payloads: Payloads, scratch: Path) -> None:
        self._servers = servers
        self._scratch = scratch
        self._ingest = Ingest(servers, payloads)

    def of(self, laps: int) -> Iterator[Took]:
        """Each command with so many laps."""
        now = datetime.now(UTC)
        self._fill(f"old-{laps}", laps, now - _OLD)
        self._fill(f"driver-{laps}", laps, now)
        folder = self._scratch / f"export-{laps}"
        yield self._command("export --driver", laps, "export", "--driver", f"driver-{laps}", "-o", str(folder))
        exported = len([*folder.glob("laps/*.parquet")])
        if exported != laps:
            raise RuntimeError(f"{exported} of {laps} laps were exported")
        yield self._command("erase --driver", laps, "erase", "--driver", f"driver-{laps}")
        yield self._command("db prune --older-than", laps, "db", "prune", "--older-than", "365d")
        left = self._servers.execute(f"select count(*) from laps where driver in ('old-{laps}', 'driver-{laps}')")[0]
        if left:
            raise RuntimeError(f"{left} laps are still there")

    def _fill(self, driver: str, laps: int, received_at: datetime) -> None:
        async def go() -> None:
            connection = await self._servers.connect()
            try:
                await copy_laps(connection, driver, laps, received_at)
            finally:
                await connection.close()

        asyncio.run(go())

    def _command(self, shown: str, laps: int, *words: str) -> Took:
        with self._ingest.beside() as answers:
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.servers.measured_command", *words],
                cwd=_ROOT,
                env=os.environ | {"RACING_COACH_DATABASE__URL": self._servers.dsn},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"racing-coach {' '.join(words)} failed\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        return Took(shown, laps, seconds, int(done.stdout.splitlines()[-1]) / 1e6, percentiles(answers))


def measure(sizes: Sequence[int], console: Console) -> list[Took]:
    """Fill a database, and run every command with each size."""
    took: list[Took] = []
    with tempfile.TemporaryDirectory(prefix="racing-coach-lifecycle-") as folder, servers() as there:
        scratch = Path(folder)
        payloads = write_payloads(simulate(), scratch)
        with console.status("driving the first laps") as status, daemon(there, scratch, coaching=True):
            publish(there, payloads, "arrow", rigs=RIGS, laps=_ORIGINALS, coached=True)
            for laps in sizes:
                status.update(f"with {laps:,} laps")
                for one in Run(there, payloads, scratch).of(laps):
                    took.append(one)
                    console.print(
                        "; ".join(f"{name} {value}" for name, value in zip(HEADER, one.row(), strict=True)),
                        soft_wrap=True,
                    )
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", default=",".join(map(str, SIZES)), help="how many of each driver, smaller first")
    parser.add_argument("--output", type=Path, default=Path("build/lifecycle.json"))
    parser.add_argument("--markdown", type=Path, help="also put the figures into this page, between its marks")
    arguments = parser.parse_args()
    console = Console(width=110)
    load_before = load()
    console.print(f"load before it began {load_before:.2f}")
    took = measure([*map(int, arguments.laps.split(","))], console)
    table = Table(*HEADER)
    for one in took:
        table.add_row(*one.row())
    console.print(table)
    if arguments.markdown:
        put(arguments.markdown, "lifecycle", machine(load_before), markdown([HEADER, *(one.row() for one in took)]))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps([vars(one) for one in took], indent=2) + "\n")
    more = grown(took)
    console.print(
        f"[red]more memory for more laps: {', '.join(more)}" if more else "[green]no more memory for more laps"
    )
    sys.exit(1 if more else 0)


if __name__ == "__main__":
    main()
