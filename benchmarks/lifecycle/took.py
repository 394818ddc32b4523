"""What a command took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MORE_MB: Final = 20.0
"""More memory than that for more laps is growth."""


@dataclass(frozen=True)
class Took:
    """One command.

    Attributes:
        command: its words, without names.
        laps: how many it did.
        seconds: from its start to its end.
        peak_mb: its memory at most.
        answer_ms: of laps that came meanwhile, percentiles.
    """

    command: str
    laps: int
    seconds: float
    peak_mb: float
    answer_ms: dict[str, float]

    def row(self) -> list[str]:
        times = [f"{self.answer_ms[name]:.0f}" for name in ("p50", "p99", "max")]
        return [
            f"{self.command}, {self.laps:,} laps",
            f"{self.seconds:.0f}",
            f"{self.laps / self.seconds:.0f}",
            f"{self.peak_mb:.0f}",
            *times,
        ]


HEADER: Final = [
    "command",
    "took, s",
    "laps a second",
    "memory at most, MB",
    "answers p50, ms",
    "p99, ms",
    "at most, ms",
]


def grown(took: Sequence[Took]) -> list[str]:
    """Commands that took more memory for more laps."""
    by_command: dict[str, list[Took]] = {}
    for one in sorted(took, key=lambda one: one.laps):
        by_command.setdefault(one.command, []).append(one)
    return [command for command, all_of in by_command.items() if all_of[-1].peak_mb > all_of[0].peak_mb + MORE_MB]
