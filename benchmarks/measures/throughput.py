"""How many laps a second go from the rig to the database and back, and what they cost."""

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measures.ceiling import Ceiling, measure_ceiling
from benchmarks.measures.sizes import Sizes
from benchmarks.measures.usage import CpuMeter
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import Published, publish
from benchmarks.servers.daemon import Daemon, daemon
from benchmarks.servers.running import Servers
from racing_coach_core.lap import Lap

BUSY_RIGS = 8
"""Rigs without a pause between their laps: there is always a lap that waits."""

_WARM_UP_LAPS = 2 * BUSY_RIGS
"""Also enough for the daemon to notice a broker that ignores Receive Maximum, and to connect again."""

_LATENCY_RIGS = 20
_LOAD = 0.5
"""The share of the throughput at which 20 rigs' latency is measured; a queue that is always full says nothing."""


class Throughput:
    """Measures the encodings, each round of laps between two rounds of COPY alone.

    A machine is faster at one time than at another; what is measured side by side compares.
    """

    def __init__(self, servers: Servers, laps: list[Lap], payloads: Payloads, sizes: Sizes, scratch: Path) -> None:
        self._servers = servers
        self._laps = laps
        self._payloads = payloads
        self._sizes = sizes
        self._scratch = scratch
        self.ceilings: list[Ceiling] = []

    def measure(self, encoding: str) -> dict[str, Any]:
        """Throughput, latency, memory and CPU of one encoding."""
        self._servers.empty()
        with daemon(self._servers, self._scratch) as running:
            sustained = self._sustained(running, encoding)
            # Or what is written out of a gigabyte of laps would be measured as if it were a lap's own.
            self._servers.empty()
            latency = {
                "one_rig": self._one_rig(encoding),
                "twenty_rigs": self._publish(
                    encoding, _LATENCY_RIGS, self._sizes.latency_laps, rate=_LOAD * sustained["laps_per_s"]
                ).latency_ms(),
            }
            figures = running.figures()
            result = {
                **sustained,
                "latency_ms": latency,
                "wire_bytes_per_lap": self._payloads.mean_size(encoding),
                "daemon_rss_peak_bytes": running.peak_rss,
                "loop_blocked_max_ms": figures["loop_blocked_max_ms"],
                "receive_maximum": figures["receive_maximum"],
            }
        if result["receive_maximum"] > 1:
            result["one_in_flight"] = self._one_in_flight(encoding)
        return result

    def _one_in_flight(self, encoding: str) -> dict[str, Any]:
        """The same as behind a broker that allows no more."""
        self._servers.empty()
        with daemon(self._servers, self._scratch, concurrency=1) as running:
            return self._sustained(running, encoding)

    def _sustained(self, running: Daemon, encoding: str) -> dict[str, Any]:
        self._publish(encoding, BUSY_RIGS, _WARM_UP_LAPS)
        running.figures()
        rounds: list[Published] = []
        ceilings: list[float] = []
        cpu = Counter[str]()
        for _ in range(self._sizes.rounds):
            self._servers.empty()
            before = self._ceiling()
            meter = CpuMeter(
                {
                    "daemon": lambda: [running.psutil],
                    "broker": self._servers.broker.family,
                    "database": self._servers.database_processes,
                }
            )
            rounds.append(self._publish(encoding, BUSY_RIGS, self._sizes.laps // self._sizes.rounds))
            cpu.update(meter.seconds())
            ceilings.append(statistics.mean([before.frames_per_s, self._ceiling().frames_per_s]))
        laps = sum(len(published.laps) for published in rounds)
        frames_per_lap = self._payloads.frames / len(self._payloads.lap_ids)
        ratios = [
            published.laps_per_s * frames_per_lap / ceiling for published, ceiling in zip(rounds, ceilings, strict=True)
        ]
        rate = laps / sum(published.seconds for published in rounds)
        return {
            "laps_per_s": rate,
            "frames_per_s": rate * frames_per_lap,
            "laps": laps,
            "ceiling_ratio": statistics.median(ratios),
            "rounds_ceiling_ratio": ratios,
            **{f"{name}_cpu_s_per_lap": used / laps for name, used in cpu.items()},
        }

    def _one_rig(self, encoding: str) -> dict[str, float]:
        """One rig's latency, and the COPY of a lap before and after."""
        before = self._ceiling()
        published = self._publish(encoding, 1, self._sizes.latency_laps)
        return {**published.latency_ms(), "copy_ms": statistics.mean([before.lap_ms, self._ceiling().lap_ms])}

    def _ceiling(self) -> Ceiling:
        self.ceilings.append(measure_ceiling(self._servers, self._laps, self._sizes.ceiling_laps))
        return self.ceilings[-1]

    def _publish(self, encoding: str, rigs: int, laps: int, rate: float | None = None) -> Published:
        return publish(self._servers, self._payloads, encoding, rigs=rigs, laps=laps, rate=rate)
