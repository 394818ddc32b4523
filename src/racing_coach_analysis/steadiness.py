"""How steady a driver is: the spreads that are assumed from lap to lap, brought to what the driver's laps show over all
passages. One passage has too few laps to tell; who is loose in one is so in the others.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.causes import RELATIVE, USUAL_SPREAD
from racing_coach_analysis.confidence import assumed_s

_LOST: Final = 1.45
"""All that is lost in a passage spreads so many times as much as what one cause costs."""

_PRIOR_LAPS: Final = 12
"""How many laps' worth the assumed spreads count, over all passages together."""

_STEADIEST: Final = 0.85
"""Nobody is thought steadier than this share of what is assumed: the few laps that are known may be alike by chance."""

_OUTLYING: Final = 3.0
"""What lies out by more standard deviations counts as if it lay there: one lap gone wrong is no spread."""

_FEWEST: Final = 3
"""How many laps tell a spread in a passage."""

type Driven = tuple[Actions, Floats, float, Flags]
"""A passage: what was done, what was lost, s, how long the reference takes, s, and the driver's usual laps."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """A driver's spread as a multiple of the assumed one.

    Attributes:
        of: of each measure.
        time: of what a cause costs.
    """

    of: Mapping[str, float]
    time: float

    def assumed(self, measure: str, value: float) -> float:
        """Standard deviation of a measure from lap to lap, where the reference has this value."""
        return self.of.get(measure, 1.0) * _usual(measure, value)


def steadiness(passages: Iterable[Driven]) -> Steadiness:
    """Pool a driver's spread over passages (empirical Bayes: H. Robbins, "An empirical Bayes approach to statistics",
    Proceedings of the Third Berkeley Symposium (1956)): what all passages show is what one begins with in each.
    """
    squares, freedom = np.zeros(len(USUAL_SPREAD) + 1), np.zeros(len(USUAL_SPREAD) + 1)
    for done, lost, took_s, usual in passages:
        if usual.sum() < _FEWEST:
            continue
        for place, (values, scale) in enumerate(_scaled(done, lost, took_s)):
            known = values[usual]
            known = known[np.isfinite(known)]
            if len(known) >= _FEWEST and scale > 0:
                away = np.clip((known - np.median(known)) / scale, -_OUTLYING, _OUTLYING)
                squares[place] += away @ away
                freedom[place] += len(known) - 1
    variance = (_PRIOR_LAPS + squares) / (_PRIOR_LAPS + freedom)
    times = [max(math.sqrt(one), _STEADIEST) for one in variance.tolist()]
    return Steadiness(dict(zip(USUAL_SPREAD, times[:-1], strict=True)), times[-1])


def _scaled(done: Actions, lost: Floats, took_s: float) -> Iterable[tuple[Floats, float]]:
    """Each measure, and at last what was lost, with the standard deviation that is assumed of it."""
    for name in USUAL_SPREAD:
        values: Floats = getattr(done, name)
        yield values, _usual(name, float(values[0]))
    yield lost, _LOST * assumed_s(took_s)


def _usual(measure: str, value: float) -> float:
    return USUAL_SPREAD[measure] * (abs(value) if measure in RELATIVE else 1.0)
