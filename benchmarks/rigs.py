"""Runs the publisher, and reads what it saw."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from payloads import Payloads
from publisher import Answered, Job
from racing_coach_core.codecs.decode import CONTENT_TYPES, Encoding
from servers import Servers

_GOOD = {"success", "duplicate"}
_TIMEOUT_S = 1800


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
        times = sorted((lap.answered - lap.sent) * 1e3 for lap in self.laps)
        cuts = statistics.quantiles(times, n=100, method="inclusive")
        return {"p50": statistics.median(times), "p90": cuts[89], "p99": cuts[98], "max": times[-1]}


def publish(
    servers: Servers, payloads: Payloads, encoding: str, *, rigs: int, laps: int, rate: float | None = None
) -> Published:
    """Have rigs publish laps, in a process of their own.

    Raises:
        RuntimeError: a lap was answered `rejected`, or the publisher failed.
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
    )
    command = [sys.executable, str(Path(__file__).with_name("publisher.py"))]
    process = subprocess.run(
        command, input=job.to_json(), capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    if process.returncode:
        raise RuntimeError(f"the publisher failed\n{process.stderr[-2000:]}")
    return Published([Answered(**json.loads(line)) for line in process.stdout.splitlines()])
