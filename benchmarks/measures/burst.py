"""Sixty-four rigs finish a lap in the same second: how much memory does the daemon take?"""

from pathlib import Path
from typing import Any

from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.running import MOST_RIGS, Servers


def measure_burst(servers: Servers, payloads: Payloads, encoding: str, scratch: Path) -> dict[str, Any]:
    """The peak of a daemon that has done nothing else, with the memory it took when idle."""
    servers.empty()
    with daemon(servers, scratch) as running:
        idle = running.rss
        published = publish(servers, payloads, encoding, rigs=MOST_RIGS, laps=MOST_RIGS)
        return {
            "burst_64_rss_peak_bytes": running.peak_rss,
            "burst_64_seconds": published.seconds,
            "idle_rss_bytes": idle,
        }
