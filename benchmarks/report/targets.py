"""What is to be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

type Figures = dict[str, Any]

_MB = 1e6


@dataclass(frozen=True)
class Target:
    """One figure and its bound.

    Attributes:
        name: what the figure is.
        value: finds it among a run's figures; None where the run could not measure it.
        bound: what it must reach, or stay below where `below` says so.
    """

    name: str
    value: Callable[[Figures], float | None]
    bound: float
    below: bool = False

    def met(self, figures: Figures) -> bool | None:
        value = self.value(figures)
        if value is None:
            return None
        return value <= self.bound if self.below else value >= self.bound


def _one(encoding: str) -> Callable[[Figures], float | None]:
    """The ratio with one message in flight."""

    def value(figures: Figures) -> float | None:
        part = figures[encoding]
        measured = part if part["receive_maximum"] == 1 else part["one_in_flight"]
        return float(measured["ceiling_ratio"])

    return value


def _several(encoding: str) -> Callable[[Figures], float | None]:
    """The ratio with several in flight, where the broker honours that."""

    def value(figures: Figures) -> float | None:
        return figures[encoding]["ceiling_ratio"] if figures[encoding]["receive_maximum"] > 1 else None

    return value


def _latency(percentile: str) -> Callable[[Figures], float]:
    def value(figures: Figures) -> float:
        latency = figures["arrow"]["latency_ms"]["one_rig"]
        return float(latency[percentile] / latency["copy_ms"])

    return value


def _startup(command: str) -> Callable[[Figures], float]:
    def value(figures: Figures) -> float:
        return float(figures["startup"][command]["ratio"])

    return value


TARGETS = (
    Target("arrow ÷ ceiling, one in flight", _one("arrow"), 0.60),
    Target("arrow ÷ ceiling, several in flight", _several("arrow"), 0.9),
    Target("json ÷ ceiling, one in flight", _one("json"), 0.30),
    Target("json ÷ ceiling, several in flight", _several("json"), 0.50),
    Target("arrow ÷ baseline", lambda f: f["arrow"]["baseline_ratio"], 20),
    Target("json ÷ baseline", lambda f: f["json"]["baseline_ratio"], 8),
    Target("arrow latency p50 ÷ COPY of the lap", _latency("p50"), 2, below=True),
    Target("arrow latency p99 ÷ COPY of the lap", _latency("p99"), 4, below=True),
    Target("arrow, 64 at once, peak RSS in MB", lambda f: f["arrow"]["burst_64_rss_peak_bytes"] / _MB, 300, below=True),
    Target("json, 64 at once, peak RSS in MB", lambda f: f["json"]["burst_64_rss_peak_bytes"] / _MB, 450, below=True),
    Target("coaching after the answer, p50, ms", lambda f: f["coaching"]["after_answer_ms"]["p50"], 60, below=True),
    Target("coaching after the answer, p99, ms", lambda f: f["coaching"]["after_answer_ms"]["p99"], 150, below=True),
    Target("coaching, CPU per lap, ms", lambda f: f["coaching"]["cpu_ms_per_lap"], 40, below=True),
    Target("rate with coaching ÷ without", lambda f: f["coaching"]["ingest_ratio"], 0.85),
    Target("COPY of a lap, the form before ÷ now", lambda f: f["layout"]["copy_speedup"], 1.25),
    Target("bytes a frame", lambda f: f["layout"]["bytes_per_frame"], 340, below=True),
    Target("a lap in order, frames by the million stored, ms", lambda f: f["layout"]["read_lap_ms"], 15, below=True),
    Target("growth: rate with a full table ÷ with an empty one", lambda f: f["growth"]["ratio"], 0.9),
    Target("arrow, loop blocked at most, ms", lambda f: f["arrow"]["loop_blocked_max_ms"], 50, below=True),
    Target("json, loop blocked at most, ms", lambda f: f["json"]["loop_blocked_max_ms"], 100, below=True),
    Target("racing-coach --version ÷ python -c pass", _startup("racing-coach --version"), 15, below=True),
    Target("racing-coach --help ÷ python -c pass", _startup("racing-coach --help"), 15, below=True),
    Target("racing-coach laps list ÷ python -c pass", _startup("racing-coach laps list"), 45, below=True),
    Target("racing-coach-rig status ÷ python -c pass", _startup("racing-coach-rig status"), 30, below=True),
)
