"""Proves the coach against truth: `make coach-eval`, or `make coach-eval QUICK=1`. See docs/coaching.md.

A full run is on tracks and drivers that nobody looked at while thresholds were chosen. A quick run is on the others,
too small to judge, and does not fail.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.coaching import base, tracks
from benchmarks.coaching.markdown import write_markdown
from benchmarks.coaching.numbering import numbering, real_corners
from benchmarks.coaching.outcomes import Job, run
from benchmarks.coaching.report import print_report
from benchmarks.coaching.summary import fault_figures, summarise, targets
from rich.console import Console

_NUMBERING_LAPS = 3600
_QUICK_NUMBERING_LAPS = 30
_SEED = 2033


def main() -> int:
    """Run, print, write; 1 if a target of a full run is missed."""
    arguments = _arguments()
    console = Console(width=150)
    began = time.perf_counter()
    figures = measure(quick=arguments.quick, real=arguments.real)
    figures["seconds"] = round(time.perf_counter() - began, 1)
    judged = targets(figures)
    figures["targets"] = [
        {"name": one.name, "value": one.value, "low": one.low, "high": one.high, "met": one.met} for one in judged
    ]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    if arguments.markdown:
        write_markdown(figures, arguments.markdown)
    print_report(figures, judged, console)
    console.print(f"{figures['seconds']:.0f} s; written to {arguments.output}")
    if arguments.quick:
        console.print("A quick run is too small to judge: the targets are those of a full run.")
        return 0
    missed = [one.name for one in judged if not one.met]
    if missed:
        console.print(f"[bold]Missed:[/] {', '.join(missed)}")
    return 1 if missed else 0


def measure(*, quick: bool, real: Path | None) -> dict[str, Any]:
    """All figures."""
    names: Sequence[str] = tracks.TUNE[:2] if quick else tracks.REPORT
    drivers: Sequence[str] = base.TUNE_DRIVERS[:1] if quick else base.REPORT_DRIVERS
    jobs = [Job(track, driver, 1, 1 if quick else 2, _SEED) for track in names for driver in drivers]
    real_jobs = [Job(str(real), "the file's", 2, 1, _SEED)] if real else []
    laps = _QUICK_NUMBERING_LAPS if quick else -(-_NUMBERING_LAPS // len(names))
    with multiprocessing.Pool(1 if quick else min(os.cpu_count() or 1, 2)) as pool:
        results = pool.map(run, [*real_jobs, *jobs], chunksize=1)
        numbered = pool.starmap(numbering, [(track, laps) for track in names], chunksize=1)
    simulated = results[len(real_jobs) :]
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "set": "tune, a part" if quick else "report",
        "tracks": names,
        "drivers": drivers,
        **summarise(
            [one for faulty, _ in simulated for one in faulty],
            [one for _, clean in simulated for one in clean],
            numbered,
        ),
    }
    if real:
        faulty, clean = results[0]
        figures["real"] = {
            "faults": fault_figures(faulty),
            "by_fault": summarise(faulty, clean, [])["by_fault"],
            "clean": summarise(faulty, clean, [])["clean"],
            "corners_m": real_corners(real),
        }
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under a minute, on a part of the tracks for tuning")
    parser.add_argument("--real", type=Path, help="a Garage 61 export of one lap, to plant faults in as well")
    parser.add_argument("--markdown", type=Path, help="a page to put the tables into, between its two marks")
    parser.add_argument("--output", type=Path, default=Path("build/coach-eval.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
