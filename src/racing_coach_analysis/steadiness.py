"""How steady a driver is: the spreads that are assumed from lap to lap, brought to what the driver's laps show over all
passages. One passage has too few laps to tell; who is loose in one is so in the others.
"""

import math
from collections.abc import Mapping, Sequence
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


NOTHING_KNOWN: Final = Steadiness({}, 1.0)


def steadiness(passages: Sequence[Driven]) -> Steadiness:
    """Pool a driver's spread over passages (empirical Bayes: H. Robbins, "An empirical Bayes approach to statistics",
    Proceedings of the Third Berkeley Symposium (1956)): what all passages show is what one begins with in each.
    """
    if not passages:
        return NOTHING_KNOWN
    away = np.stack([_away(*one) for one in passages])
    known = np.isfinite(away)
    known &= known.sum(axis=-1, keepdims=True) >= _FEWEST
    away = np.where(known, np.clip(away - _middle(away), -_OUTLYING, _OUTLYING), 0.0)
    freedom = np.maximum(known.sum(axis=-1) - 1, 0).sum(axis=0)
    variance = (_PRIOR_LAPS + (away**2).sum(axis=(0, 2))) / (_PRIOR_LAPS + freedom)
    times = [max(math.sqrt(one), _STEADIEST) for one in variance.tolist()]
    return Steadiness(dict(zip(USUAL_SPREAD, times[:-1], strict=True)), times[-1])


def _away(done: Actions, lost: Floats, took_s: float, usual: Flags) -> Floats:
    """Each measure, and in the last row what was lost, in standard deviations that are assumed of it; NaN for laps that
    are not the driver's usual.
    """
    rows = np.stack([*(getattr(done, name) for name in USUAL_SPREAD), lost])
    scale = [*(_usual(name, float(getattr(done, name)[0])) for name in USUAL_SPREAD), _LOST * assumed_s(took_s)]
    scaled: Floats = rows / np.where(np.array(scale) > 0, scale, np.nan)[:, None]
    return np.where(usual, scaled, np.nan)


def _middle(values: Floats) -> Floats:
    """The median of what is known along the last axis, kept as an axis."""
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    ranked = np.sort(values, axis=-1)
    halves = [np.take_along_axis(ranked, np.maximum(place, 0) // 2, axis=-1) for place in (count - 1, count)]
    middle: Floats = (halves[0] + halves[1]) / 2
    return middle


def _usual(measure: str, value: float) -> float:
    return USUAL_SPREAD[measure] * (abs(value) if measure in RELATIVE else 1.0)
