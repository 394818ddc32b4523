"""What the coach costs: how soon its word is on the rig, what a lap takes, and what storing laps loses by it."""

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.measures.sizes import Sizes
from benchmarks.measures.throughput import BUSY_RIGS
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import percentiles, publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.running import Servers

_LAPS_TO_REFER_TO = 50
"""Laps of the same driver that are there before one is measured."""

_ROOT = Path(benchmarks.__file__).parent.parent
_TIMEOUT_S = 1800


def measure_coaching(servers: Servers, payloads: Payloads, sizes: Sizes, scratch: Path) -> dict[str, Any]:
    """All figures of the coach."""
    return {
        **_ingest(servers, payloads, sizes, scratch),
        "after_answer_ms": _after_answer(servers, payloads, sizes, scratch),
        **_alone(servers, payloads, sizes, scratch),
    }


def _ingest(servers: Servers, payloads: Payloads, sizes: Sizes, scratch: Path) -> dict[str, Any]:
    """The rate of laps with the coach at work, between two rounds without it."""
    rates: list[float] = []
    for number in range(2 * sizes.coaching_rounds + 1):
        servers.empty()
        with daemon(servers, scratch, coaching=number % 2 == 1):
            publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=2 * BUSY_RIGS)
            rates.append(publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=sizes.coaching_laps).laps_per_s)
    ratios = [
        rates[number] / statistics.mean([rates[number - 1], rates[number + 1]]) for number in range(1, len(rates), 2)
    ]
    return {
        "ingest_ratio": statistics.median(ratios),
        "rounds_ingest_ratio": ratios,
        "laps_per_s": statistics.median(rates[1::2]),
        "without_laps_per_s": statistics.median(rates[::2]),
    }


def _after_answer(servers: Servers, payloads: Payloads, sizes: Sizes, scratch: Path) -> dict[str, float]:
    """From the answer to the coaching message, at one rig that hears both."""
    servers.empty()
    with daemon(servers, scratch, coaching=True):
        publish(servers, payloads, "arrow", rigs=1, laps=_LAPS_TO_REFER_TO, coached=True)
        published = publish(servers, payloads, "arrow", rigs=1, laps=sizes.latency_laps, coached=True)
    return percentiles([(lap.coached or lap.answered) - lap.answered for lap in published.laps])


def _alone(servers: Servers, payloads: Payloads, sizes: Sizes, scratch: Path) -> dict[str, Any]:
    """Stored laps, one after the other, in a process that does nothing else."""
    servers.empty()
    with daemon(servers, scratch):
        publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=sizes.analysed_laps)
    took = json.loads(_output("followers_alone", servers.dsn))
    cpu_ms = [seconds * 1e3 for seconds in took["cpu_s"][_LAPS_TO_REFER_TO:]]
    return {
        "cpu_ms_per_lap": statistics.median(cpu_ms),
        "mean_cpu_ms_per_lap": statistics.mean(cpu_ms),
        "frames_per_lap": payloads.frames / len(payloads.lap_ids),
        "stored_laps": took["laps"],
        "stored_laps_per_s": took["laps"] / took["seconds"],
        "stored_rss_peak_bytes": took["rss_peak_bytes"],
        **_anew(servers, took["laps"]),
    }


def _anew(servers: Servers, laps: int) -> dict[str, float]:
    """The same laps once more, by the command."""
    *said, rss = _output("measured_command", "analyze", "--all", url=servers.dsn).splitlines()
    found = re.search(rf"{laps:,} of {laps:,} laps done anew; ([\d.]+) a second", " ".join(said))
    if found is None:
        raise RuntimeError(f"racing-coach analyze did not do all laps\n{said}")
    return {"anew_laps_per_s": float(found[1]), "anew_rss_peak_bytes": int(rss)}


def _output(module: str, *arguments: str, url: str = "") -> str:
    """What a process says that does nothing but that. It is given the database as an operator gives it."""
    process = subprocess.run(
        [sys.executable, "-m", f"benchmarks.servers.{module}", *arguments],
        cwd=_ROOT,
        env=os.environ | ({"RACING_COACH_DATABASE__URL": url} if url else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if process.returncode:
        raise RuntimeError(f"{module} failed\n{process.stdout[-1000:]}{process.stderr[-2000:]}")
    return process.stdout
