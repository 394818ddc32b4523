"""How many laps a second go from the rig to the database and back, and what they cost."""

from pathlib import Path
from typing import Any

from laps import Payloads
from rigs import publish
from servers import Daemon, Servers, daemon
from sizes import Sizes
from usage import CpuMeter

BUSY_RIGS = 8
"""Rigs without a pause between their laps: there is always a lap that waits."""

_WARM_UP_LAPS = 2 * BUSY_RIGS
"""Also enough for the daemon to notice a broker that ignores Receive Maximum, and to connect again."""

_LATENCY_RIGS = 20
_LOAD = 0.5
"""The share of the throughput at which 20 rigs' latency is measured; a queue that is always full says nothing."""


def measure_encoding(
    servers: Servers, payloads: Payloads, encoding: str, sizes: Sizes, scratch: Path
) -> dict[str, Any]:
    """Throughput, latency, memory and CPU of one encoding."""
    frames_per_lap = payloads.frames / len(payloads.lap_ids)
    servers.empty()
    with daemon(servers, scratch) as running:
        sustained = _sustained(servers, running, payloads, encoding, sizes.laps)
        one = publish(servers, payloads, encoding, rigs=1, laps=sizes.latency_laps)
        twenty = publish(
            servers,
            payloads,
            encoding,
            rigs=_LATENCY_RIGS,
            laps=sizes.latency_laps,
            rate=_LOAD * sustained["laps_per_s"],
        )
        figures = running.figures()
        result = {
            **sustained,
            "frames_per_s": sustained["laps_per_s"] * frames_per_lap,
            "latency_ms": {"one_rig": one.latency_ms(), "twenty_rigs": twenty.latency_ms()},
            "wire_bytes_per_lap": payloads.mean_size(encoding),
            "daemon_rss_peak_bytes": running.peak_rss,
            "loop_blocked_max_ms": figures["loop_blocked_max_ms"],
            "receive_maximum": figures["receive_maximum"],
        }
    if result["receive_maximum"] > 1:
        result["one_in_flight"] = _one_in_flight(servers, payloads, encoding, sizes, scratch)
    return result


def _one_in_flight(servers: Servers, payloads: Payloads, encoding: str, sizes: Sizes, scratch: Path) -> dict[str, Any]:
    """The same as behind a broker that allows no more."""
    servers.empty()
    with daemon(servers, scratch, concurrency=1) as running:
        sustained = _sustained(servers, running, payloads, encoding, sizes.laps)
    return {**sustained, "frames_per_s": sustained["laps_per_s"] * payloads.frames / len(payloads.lap_ids)}


def _sustained(servers: Servers, running: Daemon, payloads: Payloads, encoding: str, laps: int) -> dict[str, Any]:
    publish(servers, payloads, encoding, rigs=BUSY_RIGS, laps=_WARM_UP_LAPS)
    running.figures()
    meter = CpuMeter(
        {
            "daemon": lambda: [running.psutil],
            "broker": servers.broker.family,
            "database": servers.database_processes,
        }
    )
    published = publish(servers, payloads, encoding, rigs=BUSY_RIGS, laps=laps)
    cpu = {f"{name}_cpu_s_per_lap": used / laps for name, used in meter.seconds().items()}
    return {"laps_per_s": published.laps_per_s, "laps": laps, **cpu}
