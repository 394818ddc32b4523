"""What laps on differing lines agree on, and whether other laps would have agreed on the same."""

from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.bends import Bend, bends_of

_FAR_OUT: Final = 4.0
"""A lap's curvature counts up to this many standard deviations from that of the laps in the middle."""

_NORMAL: Final = 1.4826
"""From a median of absolute deviations to a standard deviation, of normal values."""

_DRAWS: Final = 40
_DRAWN: Final = 0.4
"""How many times laps are drawn anew, and what share of them each time: fewer than there are, so that what holds in
all draws holds with room to spare."""

_APEX_ERROR_M: Final = 0.8
"""Standard error up to which an apex is settled."""


def agreed(lines: Floats) -> Floats:
    """At each place the mean over laps, where what lies far out counts as if it lay at the edge: a lap that slides
    there, or takes to the escape road, does not move it.

    Args:
        lines: the curvature of each lap on one grid, a row a lap, rad/m.
    """
    return within(lines).mean(axis=0)


def within(lines: Floats) -> Floats:
    """The laps' curvatures, those that lie far from the median brought to the edge (P. Huber and E. Ronchetti, "Robust
    Statistics", 2nd edition, Wiley 2009, on winsorizing).
    """
    if len(lines) < 3:  # noqa: PLR2004 - of two, neither is odd
        return lines
    middle = np.median(lines, axis=0)
    apart = np.median(np.abs(lines - middle), axis=0)
    # One scale for the lap: at a single place a handful of laps may be close to one another by chance.
    edge = _FAR_OUT * np.maximum(_NORMAL * apart, _NORMAL * float(apart.mean()))
    return np.clip(lines, middle - edge, middle + edge)


def settled(lines: Floats, length_m: float, *, apexes: bool = True) -> bool:
    """Whether laps drawn anew from these give the same corners, with apexes in the same places (selection by stability:
    N. Meinshausen and P. Bühlmann, "Stability selection", Journal of the Royal Statistical Society B 72 (2010)).

    Chance is seeded: the same laps give the same answer.

    Args:
        lines: the curvature of each lap on one grid, a row a lap, rad/m.
        length_m: of the lap.
        apexes: whether their places count too.
    """
    laps, count = len(lines), lines.shape[1] - 1
    step = length_m / count
    counted = within(lines)[:, :-1]
    found = bends_of(counted.mean(axis=0), step)
    drawn = max(round(_DRAWN * laps), 2)
    chance = np.random.default_rng(laps)
    squares = np.zeros(len(found))
    for _ in range(_DRAWS):
        weights = chance.multinomial(drawn, np.full(laps, 1 / laps)) / drawn
        other = bends_of(weights @ counted, step)
        if [one.turn > 0 for one in other] != [one.turn > 0 for one in found]:
            return False
        squares += _apart(found, other, count) ** 2
    errors = np.sqrt(squares / _DRAWS * drawn / laps) * step
    return not apexes or bool((errors <= _APEX_ERROR_M).all())


def _apart(found: list[Bend], other: list[Bend], count: int) -> Floats:
    """How far apexes lie from one another, in steps of a closed grid."""
    away = np.array([one.apex - another.apex for one, another in zip(found, other, strict=True)])
    return (away + count / 2) % count - count / 2
