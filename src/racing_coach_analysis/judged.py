"""How sure it is that a cause is none of the driver's accidents, and what it is worth."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.causes import Found
from racing_coach_analysis.confidence import Interval, assumed_s, difference, interval, spread
from racing_coach_analysis.passages import Passage
from racing_coach_analysis.scene import Scene
from racing_coach_analysis.steadiness import Steadiness

RECURS: Final = 3
"""In how many of the laps looked at a loss must recur."""

LEAST_GAIN_S: Final = 0.03
"""A gain that is worth a word."""

FEWEST: Final = 3
"""How many other laps are needed to know what is usual."""

_STANDS_OUT_S: Final = 0.1
_BEYOND: Final = 3.0
"""How many standard deviations of the driver's own spread a loss on one lap alone must be beyond."""

_SURELY: Final = 1e-4
_SURELY_BEYOND: Final = 2.0
"""The same where the action itself differs by this chance or less."""

_NO_ACCIDENT: Final = 0.001
"""An action that differs by this chance or less did not differ by accident."""

_STRICTER: Final = 8.0
"""Beside the driver's own laps a fault worth a word is far out: there an accident must be so much less likely."""

_LUCK: Final = 1.15
"""A reference is the best of many: it lies further from the driver's usual than one lap does by chance."""

_APART: Final = 2.8
"""Laps that lie further apart than this many standard deviations are not driven alike."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A loss in one passage, with its cause.

    Attributes:
        passage: where.
        found: why.
        loss_s: lost on this lap by what happened in the passage, s.
        gain_s: what the cause cost, mean over the laps that show it, within 0 and their loss, s.
        bounds: of the gain.
        seen, looked_at: how many of the last laps show it.
        chance: how likely it is that the action differs by accident; beside the driver's own laps counted stricter.
        own_spread_s: the driver's standard deviation there, s.
        beyond_usual_s: how much more this lap lost by the cause than the driver's other laps, s.
    """

    passage: Passage
    found: Found
    loss_s: float
    gain_s: float
    bounds: Interval
    seen: int
    looked_at: int
    chance: float
    own_spread_s: float
    beyond_usual_s: float

    @property
    def recurs(self) -> bool:
        """Whether enough of the last laps show it, and it is surely worth a word."""
        return self.seen >= RECURS and self.bounds.low > LEAST_GAIN_S

    @property
    def stands_out(self) -> bool:
        """Whether this lap alone is enough."""
        beyond = _SURELY_BEYOND if self.chance < _SURELY else _BEYOND
        return self.gain_s > _STANDS_OUT_S and self.beyond_usual_s > beyond * self.own_spread_s


def judged(scene: Scene, found: Found, worth: Floats, seen: Flags, steady: Steadiness) -> Finding | None:
    """How sure a cause is, beside the driver's own laps; None where it may be an accident."""
    # Not the laps among the last five that do not show the loss: they were chosen for what they lost.
    others = scene.usual
    if seen.sum() == 1:
        others |= scene.last & ~seen
    known = [worth[others]] if others.sum() >= FEWEST else [worth[others], worth[seen]]
    own = spread(known, scene.took_s, steady.time)
    measured: Floats = getattr(scene.done, found.shown_by)
    assumed = steady.assumed(found.shown_by, float(measured[0]))
    yardstick = _yardstick(measured, worth, others, assumed, own.deviation)
    alone = yardstick.sum() == 1
    luck, stricter = (_LUCK, 1.0) if alone else (1.0, _STRICTER)
    beside = difference(measured[seen], measured[yardstick], measured[others], assumed, luck=luck, another=alone)
    chance = min(stricter * beside.chance, 1.0)
    if not chance < _NO_ACCIDENT:
        return None
    level = float(worth[yardstick].mean())
    gains = worth[seen] - level
    most = scene.most_by(found, seen)[seen]
    if found.phase in {"middle", "exit"}:
        # Speed that is missing behind a corner may be made up for by a quicker way out, and speed that was brought
        # along may be thrown away on it: what was won is to the driver's credit, and could have been won all the same.
        most = np.maximum(most, worth[seen])
    # The bound, too, is against the yardstick: the reference may have been slower here than the driver usually is.
    gain = float(np.clip(gains.mean(), 0.0, most.mean() - level))
    return Finding(
        passage=scene.passage,
        found=found,
        loss_s=float(scene.lost[-1]),
        gain_s=gain,
        bounds=interval(
            gains + (gain - float(gains.mean())),
            own,
            LEAST_GAIN_S,
            int(yardstick.sum()),
            luck=steady.time * assumed_s(scene.took_s) if alone else own.deviation,
        ),
        seen=int(seen.sum()),
        looked_at=int(scene.last.sum()),
        chance=chance,
        own_spread_s=own.deviation,
        beyond_usual_s=float(worth[-1]) - (float(np.median(worth[others])) if others.sum() > 1 else 0.0),
    )


def _yardstick(measured: Floats, worth: Floats, others: Flags, assumed: float, deviation: float) -> Flags:
    """What the laps that show a loss are compared with: the reference, and the driver's other laps as well if they
    cannot be told from it.

    One lap is lucky in some corners, the more so the best of many; a driver's usual is a steadier
    yardstick, unless it has the same fault.
    """
    alone = np.zeros_like(others)
    alone[0] = True
    if others.sum() < FEWEST:
        return alone
    apart = difference(measured[others], measured[alone], measured[others], assumed).deviations
    later = float(worth[others].mean()) / (deviation * np.sqrt(1 + 1 / others.sum()))
    return alone | others if abs(apart) < _APART and abs(later) < _APART else alone
