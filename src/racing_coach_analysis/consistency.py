"""How alike a driver's laps are, and what the best of each part would make together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from racing_coach_analysis.measures import LapMeasures


@dataclass(frozen=True, slots=True)
class Spread:
    """How a time varies over laps.

    Attributes:
        laps: how many were looked at.
        best_s, median_s: s.
        spread_s: half of what lies between the quartiles, s; one bad lap does not move it. None for fewer than three.
    """

    laps: int
    best_s: float
    median_s: float
    spread_s: float | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """Spread of the lap time, and of the time in each segment in the order of the map's segments."""

    lap: Spread
    segments: tuple[Spread, ...]


def consistency(laps: Sequence[LapMeasures]) -> Consistency | None:
    """How alike laps measured through one map are; None without a lap."""
    if not laps:
        return None
    times = np.array([lap.segment_times_s for lap in laps])
    return Consistency(
        lap=spread_of(np.array([lap.lap_time for lap in laps])),
        segments=tuple(spread_of(column) for column in times.T),
    )


def spread_of(times: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Spread:
    """How times vary, of which there is at least one, s."""
    low, median, high = np.quantile(times, (0.25, 0.5, 0.75))
    enough = len(times) >= 3  # noqa: PLR2004 - quartiles of two values are the values
    return Spread(len(times), float(times.min()), float(median), float(high - low) / 2 if enough else None)


def theoretical_best(laps: Sequence[LapMeasures]) -> float | None:
    """The lap time that the best of every segment would make, s; None without a lap.

    Nobody has driven it: a segment taken at its best may spoil the next one.
    """
    if not laps:
        return None
    return float(np.array([lap.segment_times_s for lap in laps]).min(axis=0).sum())
