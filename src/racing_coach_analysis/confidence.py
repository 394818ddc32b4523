"""How sure a finding is: a driver's own spread, intervals by bootstrap, and control of false discoveries."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats

_PRIOR_LAPS: Final = 6
"""How many laps' worth the spread counts that is assumed before anything is known of the driver."""

_PRIOR_S: Final = 0.0072
_PRIOR_SHARE: Final = 0.00225
"""That spread: so much, and so much of the time that the stretch takes (see docs/coaching.md)."""

_DRAWS: Final = 300

_MODEL_ERROR: Final = 0.03
"""A price is a model of what would have been: standard deviation of its error, as a share (see docs/coaching.md)."""

_NORMAL: Final = np.array([-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534])
"""A normal distribution in eight equally likely values, which are its quantiles at 1/16, 3/16, ..., scaled below."""

_UNIT_NORMAL: Final = _NORMAL / _NORMAL.std()


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity varies from lap to lap where nothing is wrong.

    Attributes:
        residuals: as they were seen, about 0, and some of the spread assumed.
        deviation: their standard deviation.
    """

    residuals: Floats
    deviation: float


def assumed_s(stretch_s: float) -> float:
    """Standard deviation of what a cause costs from lap to lap, s, before anything is known of the driver, in a stretch
    that takes so many seconds.
    """
    return _PRIOR_S + _PRIOR_SHARE * stretch_s


def spread(groups: Sequence[Floats], stretch_s: float, steady: float = 1.0) -> Spread:
    """The spread within groups of laps (those with a fault, and those without), each about its own middle.

    Args:
        groups: values of laps.
        stretch_s: how long the reference takes for the stretch that they are about, s.
        steady: the driver's spread elsewhere as a multiple of the assumed one.
    """
    prior = steady * assumed_s(stretch_s)
    parts = [group - np.median(group) for group in groups if len(group) > 1]
    freedom = sum(len(part) - 1 for part in parts)
    seen = np.concatenate(parts) if parts else np.zeros(0)
    # One lap gone wrong is no spread: what lies far out counts as if it lay at the edge.
    scale = 1.4826 * float(np.median(np.abs(seen))) if len(seen) > 3 else prior  # noqa: PLR2004 - a median of three is one value
    edge = 3 * max(scale, prior / 2)
    seen = np.clip(seen, -edge, edge)
    variance = (_PRIOR_LAPS * prior**2 + float((seen**2).sum())) / (_PRIOR_LAPS + freedom)
    deviation = math.sqrt(variance)
    residuals = np.concatenate([seen, deviation * _UNIT_NORMAL])
    residuals -= residuals.mean()
    return Spread(residuals * (deviation / max(float(residuals.std()), 1e-9)), deviation)


@dataclass(frozen=True, slots=True)
class Interval:
    """A gain, s, with the ends of its 95 % interval and the share of the draws in which it is worth a word."""

    low: float
    high: float
    worth: float


def interval(gains: Floats, of: Spread, least: float, yardsticks: int = 1, luck: float = float("inf")) -> Interval:
    """A 95 % interval of the mean gain by bootstrap (B. Efron, "Bootstrap methods: another look at the jackknife",
    Annals of Statistics 7 (1979)): the laps that show the loss are drawn anew from the driver's own spread, and so is
    what they are compared with: a reference is one lap and has had its luck too. The same gains give the same interval:
    chance is seeded by them.

    Args:
        gains: what the laps that show the loss would have gained, s.
        of: spread of such gains from lap to lap.
        least: a gain that is worth a word, s.
        yardsticks: how many laps they are compared with.
        luck: the most that chance may have won these, as a standard deviation, s.
    """
    chance = np.random.default_rng(zlib.crc32(np.round(gains, 5).tobytes()))
    count = len(gains)
    drawn = of.residuals[chance.integers(0, len(of.residuals), (_DRAWS, count + yardsticks))]
    share = min(luck / of.deviation, 1.0)
    means = float(gains.mean()) + drawn[:, :count].mean(axis=1) - share * drawn[:, count:].mean(axis=1)
    means *= 1 + _MODEL_ERROR * chance.standard_normal(_DRAWS)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high), float(np.mean(means >= least)))


@dataclass(frozen=True, slots=True)
class Difference:
    """How far laps lie from a yardstick, in standard deviations of that, and how likely that is by accident."""

    deviations: float
    chance: float


def difference(
    shown: Floats, yardstick: Floats, usual: Floats, assumed: float, *, luck: float = 1.0, another: bool = False
) -> Difference:
    """Compare a measure on some laps with the same on others.

    A measure tells more than time does: brakes pressed 20 m early are no accident, whatever they cost.

    Args:
        shown: on the laps in question.
        yardstick: on the laps that they are compared with.
        usual: on laps that tell the driver's spread.
        assumed: standard deviation from lap to lap before anything is known of the driver.
        luck: by what share the difference is larger by chance because the yardstick was chosen.
        another: the yardstick is none of the usual laps. A fault is never quite the same twice, and a lap without it
            spreads no more than is assumed.
    """
    shown, yardstick, usual = (values[np.isfinite(values)] for values in (shown, yardstick, usual))
    if not len(shown) or not len(yardstick):
        return Difference(0.0, 1.0)
    about = usual - np.median(usual) if len(usual) else usual
    variance = (_PRIOR_LAPS * assumed**2 + float((about**2).sum())) / (_PRIOR_LAPS + max(len(usual) - 1, 0))
    theirs = min(assumed**2, variance) if another else variance
    error = luck * math.sqrt(variance / len(shown) + theirs / len(yardstick))
    deviations = (float(shown.mean()) - float(yardstick.mean())) / error
    return Difference(deviations, math.erfc(abs(deviations) / math.sqrt(2)))


def discoveries(chances: Sequence[float], looked_at: int, rate: float) -> list[bool]:
    """Which findings stand when at most a share of those that stand may be false (Y. Benjamini and Y. Hochberg,
    "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57 (1995)).

    Args:
        chances: how likely each finding is if there is nothing.
        looked_at: how many places were looked at, findings or not.
        rate: the share.
    """
    ranked = sorted(chances)
    bars = (chance for rank, chance in enumerate(ranked, start=1) if chance <= rate * rank / max(looked_at, 1))
    bar = max(bars, default=-1.0)
    return [chance <= bar for chance in chances]
