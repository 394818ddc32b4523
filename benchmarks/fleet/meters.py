"""What broker, daemon and machine say of themselves while a fleet drives."""

import asyncio
import json
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.fleet.connection import FleetConnection
from benchmarks.fleet.world import OBSERVER, World
from benchmarks.measures.usage import CpuMeter

_SECOND = 1.0


@dataclass
class Sample:
    """One look, at a second of the monotonic clock."""

    at: float
    rss: dict[str, int]
    queued: int
    behind: dict[str, int]


@dataclass
class Meters:
    """Looks once a second; CPU seconds are counted from one `interval` to the next."""

    world: World
    samples: list[Sample] = field(default_factory=list)
    heartbeat: dict[str, Any] = field(default_factory=dict)
    _sys: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _cpu: CpuMeter | None = None
    _since: float = 0.0
    _spent_s: float = 0.0

    async def listen(self) -> FleetConnection:
        """Hear the broker's own figures and the daemon's heartbeats."""
        connection = FleetConnection(self._heard)
        broker = self.world.broker
        await connection.connect(broker.host, broker.rigs_port, OBSERVER, broker.passwords[OBSERVER])
        await connection.subscribe(["$SYS/broker/store/messages/count", "racing-coach/v1/health/+/heartbeat"])
        return connection

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic.startswith("$SYS"):
            self._sys[topic.rpartition("store/")[2]] = int(payload)
        else:
            self.heartbeat = json.loads(payload)

    async def run(self) -> None:
        """Sample until cancelled."""
        self._begin()
        while True:
            await asyncio.sleep(_SECOND)
            self.samples.append(await asyncio.to_thread(self._sample))

    def _sample(self) -> Sample:
        rss = {name: sum(map(_private, family())) for name, family in self.world.families().items()}
        features = self.heartbeat.get("features", {})
        behind = {name: int(one["behind"]) for name, one in features.items()}
        # One message a lap; what is retained, of `$SYS` and health, counts too, and is the same all the time.
        return Sample(time.monotonic(), rss, self._sys["messages/count"], behind)

    def interval(self) -> dict[str, float]:
        """Cores that each part used since the last call."""
        assert self._cpu is not None
        now = time.monotonic()
        seconds = self._cpu.seconds()
        # A daemon that was killed took its time with it.
        seconds["daemon"] += self.world.daemon.spent_s - self._spent_s
        used = {name: spent / (now - self._since) for name, spent in seconds.items()}
        self._begin()
        return used

    def _begin(self) -> None:
        self._cpu, self._since = CpuMeter(self.world.families()), time.monotonic()
        self._spent_s = self.world.daemon.spent_s

    def between(self, began: float, ended: float) -> list[Sample]:
        return [sample for sample in self.samples if began <= sample.at <= ended]


def _private(process: psutil.Process) -> int:
    """Memory of a process, with its share of what it has together with others (PSS); of PostgreSQL's all have the
    buffers together."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def load() -> float:
    """The machine's load over the last minute."""
    return os.getloadavg()[0]
