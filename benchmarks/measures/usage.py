"""CPU time of the processes that take part."""

from collections.abc import Callable, Mapping

import psutil

type Family = Callable[[], list[psutil.Process]]


class CpuMeter:
    """CPU seconds of each family of processes since the meter was made."""

    def __init__(self, families: Mapping[str, Family]) -> None:
        self._families = dict(families)
        self._before = self._now()

    def seconds(self) -> dict[str, float]:
        return {name: used - self._before[name] for name, used in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(map(_used, family())) for name, family in self._families.items()}


def _used(process: psutil.Process) -> float:
    """User and system time, of children that have ended too."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0
