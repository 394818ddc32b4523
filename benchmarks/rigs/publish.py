"""Has rigs publish, in a process of their own, and reads what it saw."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import benchmarks
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.process import Answered, Job
from benchmarks.servers.running import Servers
from racing_coach_core.codecs.decode import CONTENT_TYPES
from racing_coach_core.codecs.encoding import Encoding

_GOOD = {"success", "duplicate"}
_TIMEOUT_S = 1800
_ROOT = Path(benchmarks.__file__).parent.parent


class Published:
    """Every lap of one job, sent and answered."""

    def __init__(self, laps: list[Answered]) -> None:
        self.laps = laps
        if bad := {lap.status for lap in laps} - _GOOD:
            raise RuntimeError(f"laps were answered {bad}")

    @property
    def seconds(self) -> float:
        """From the first lap sent to the last answer."""
        return max(lap.answered for lap in self.laps) - min(lap.sent for lap in self.laps)

    @property
    def laps_per_s(self) -> float:
        return len(self.laps) / self.seconds

    def latency_ms(self) -> dict[str, float]:
        """Percentiles of the time from publishing a lap to its answer."""
        return percentiles([lap.answered - lap.sent for lap in self.laps])


def percentiles(seconds: list[float]) -> dict[str, float]:
    """The middle and the slow end of some times, ms."""
    times = sorted(second * 1e3 for second in seconds)
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": statistics.median(times), "p90": cuts[89], "p99": cuts[98], "max": times[-1]}


def publish(
    servers: Servers,
    payloads: Payloads,
    encoding: str,
    *,
    rigs: int,
    laps: int,
    rate: float | None = None,
    coached: bool = False,
) -> Published:
    """Have rigs publish laps, in a process of their own; where they are coached, a rig waits for that as well.

    Raises:
        RuntimeError: a lap was answered `rejected`, or the process failed.
    """
    job = Job(
        servers.broker.host,
        servers.broker.port,
        payloads.to_json(),
        encoding,
        CONTENT_TYPES[Encoding(encoding)],
        rigs,
        laps,
        dict(servers.passwords) if servers.passwords else None,
        rate,
        coached,
    )
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.rigs.process"],
        input=job.to_json(),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if process.returncode:
        raise RuntimeError(f"the process of the rigs failed\n{process.stderr[-2000:]}")
    return Published([Answered(**json.loads(line)) for line in process.stdout.splitlines()])
