"""Looks at every passage of a lap for a loss that has a cause, and prices it with the driver's last laps."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.beside import Laps
from racing_coach_analysis.causes import RELATIVE, USUAL_SPREAD, Found, causes
from racing_coach_analysis.confidence import Interval, difference, interval, spread
from racing_coach_analysis.passages import Passage
from racing_coach_analysis.price import Course, prices
from racing_coach_analysis.steadied import steadied

LOOKED_AT: Final = 5
"""How many of the last laps a loss must recur in, this one among them."""

RECURS: Final = 3
"""In how many of them."""

LEAST_GAIN_S: Final = 0.03
"""A gain that is worth a word."""

_LEAST_LOSS_S: Final = 0.02
_LIKE_THIS: Final = 0.35
"""A lap shows the loss if it lost at least this share of what this lap lost."""

_DONE_ALIKE: Final = 0.5
"""It shows the cause if the driver's action differed by this share of what it differed by on this lap."""

_STILL: Final = 0.5
"""This lap must show at least this share of what the laps show on the average."""

_EXPLAINS: Final = 0.4
"""A cause must explain this share of the loss; else the next one is tried."""

_MUCH_MORE: Final = 2.0
"""A cause on this lap alone is told instead of one that recurs if it stands out, and is worth so many times as much."""

_STANDS_OUT_S: Final = 0.1
_BEYOND: Final = 3.0
"""How many standard deviations of the driver's own spread a loss on one lap alone must be beyond."""

_NO_ACCIDENT: Final = 0.001
"""An action that differs by this chance or less did not differ by accident."""

_FEWEST: Final = 3
"""How many other laps are needed to know what is usual."""

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
        chance: how likely it is that the action differs by accident.
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
        return self.gain_s > _STANDS_OUT_S and self.beyond_usual_s > _BEYOND * self.own_spread_s


@dataclass(frozen=True, slots=True)
class Better:
    """A passage that was driven quicker than usual, s."""

    passage: Passage
    gain_s: float
    own_spread_s: float


@dataclass(frozen=True, slots=True)
class _Scene:
    """A passage as all laps drove it.

    Attributes:
        course: the laps, without what each is slower by elsewhere.
        passage: the passage.
        done: what each driver did.
        lost: by each lap, s.
        most: the same without what was won back within the passage, s.
        usable: laps driven normally.
        last: those among the last five.
    """

    course: Course
    passage: Passage
    done: Actions
    lost: Floats
    most: Floats
    usable: Flags
    last: Flags

    @property
    def usual(self) -> Flags:
        """The driver's laps before the last five."""
        usual = self.usable & ~self.last
        usual[0] = False
        return usual

    def most_by(self, found: Found, rows: Flags) -> Floats:
        """The most that a cause can have cost: on the way out, up to where that ends."""
        if found.phase != "exit":
            return self.most
        return self.course.most_lost(self.passage, self.course.way_out(self.passage, rows))


def find(laps: Laps) -> list[Finding]:
    """A finding for every passage that lost something for a reason."""
    found = (_look(laps, passage) for passage in laps.passages)
    return [one for one in found if one is not None]


def _look(laps: Laps, passage: Passage) -> Finding | None:
    """A cause that recurs, or one of this lap alone that is worth much more."""
    usable = laps.usable(passage)
    if not (usable[0] and usable[-1]):
        return None
    level = laps.level(passage)
    lost, most = level.lost_in(passage), level.most_lost(passage)
    if not most[-1] > _LEAST_LOSS_S:
        return None
    last = np.zeros(len(lost), dtype=np.bool_)
    last[np.flatnonzero(usable[1:])[-LOOKED_AT:] + 1] = True
    scene = _Scene(level, passage, laps.did(passage), lost, most, usable, last)
    alone = np.zeros_like(last)
    alone[-1] = True
    alike = last & (most > max(_LIKE_THIS * most[-1], _LEAST_LOSS_S))
    single = _priced(scene, alone)
    often = _priced(scene, alike) if alike.sum() >= RECURS else None
    if often is None or single is None:
        return often or single
    return single if single.stands_out and single.gain_s > _MUCH_MORE * often.gain_s else often


def _priced(scene: _Scene, rows: Flags) -> Finding | None:
    """The first cause, upstream first, that is no accident and explains enough of the loss on some laps."""
    for found in causes(scene.done, rows):
        priced = prices(scene.course, scene.passage, found, rows)
        worth = steadied(priced, found.cause, scene.done, scene.usual)
        # Who brakes too late first wins time: only what is left of the loss at the end counts for that.
        loss = (scene.lost if found.phase == "whole" else scene.most_by(found, rows))[rows].mean()
        seen = rows & (worth > _LIKE_THIS * worth[-1]) & _done_alike(scene, found)
        if worth[rows].mean() < _EXPLAINS * loss or not (seen[-1] and _still_there(scene, found, worth, rows)):
            continue
        finding = _judged(scene, found, worth, seen)
        if finding is not None:
            return finding
    return None


def _still_there(scene: _Scene, found: Found, worth: Floats, rows: Flags) -> bool:
    """Whether this lap shows what the laps show on the average: what the driver has just left out is not told again."""
    measured: Floats = getattr(scene.done, found.shown_by)
    usual = float(np.nanmean(measured[rows])) - measured[0]
    alike = (measured[-1] - measured[0]) * np.sign(usual) > _STILL * abs(usual)
    return bool(alike and worth[-1] > _STILL * worth[rows].mean())


def _done_alike(scene: _Scene, found: Found) -> Flags:
    """Laps on which the driver did what they did on this one, and did not merely lose time in some other way."""
    measured: Floats = getattr(scene.done, found.shown_by)
    away = measured - measured[0]
    alike: Flags = np.nan_to_num(away * np.sign(away[-1])) > _DONE_ALIKE * abs(np.nan_to_num(away[-1]))
    return alike


def _judged(scene: _Scene, found: Found, worth: Floats, seen: Flags) -> Finding | None:
    """How sure a cause is, beside the driver's own laps; None where it may be an accident."""
    # Not the laps among the last five that do not show the loss: they were chosen for what they lost.
    others = scene.usual
    if seen.sum() == 1:
        others |= scene.last & ~seen
    took = float(scene.course.time_s[0, scene.passage.end] - scene.course.time_s[0, scene.passage.start])
    own = spread([worth[others]] if others.sum() >= _FEWEST else [worth[others], worth[seen]], took)
    measured: Floats = getattr(scene.done, found.shown_by)
    assumed = USUAL_SPREAD[found.shown_by] * (abs(float(measured[0])) if found.shown_by in RELATIVE else 1.0)
    yardstick = _yardstick(measured, worth, others, assumed, own.deviation)
    luck = _LUCK if yardstick.sum() == 1 else 1.0
    chance = difference(measured[seen], measured[yardstick], measured[others], assumed, luck=luck).chance
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
        bounds=interval(gains + (gain - float(gains.mean())), own, LEAST_GAIN_S, int(yardstick.sum())),
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
    if others.sum() < _FEWEST:
        return alone
    apart = difference(measured[others], measured[alone], measured[others], assumed).deviations
    later = float(worth[others].mean()) / (deviation * np.sqrt(1 + 1 / others.sum()))
    return alone | others if abs(apart) < _APART and abs(later) < _APART else alone


def better(laps: Laps) -> list[Better]:
    """Passages in which this lap was quicker than the driver usually is."""
    found = []
    for passage in laps.passages:
        usable = laps.usable(passage)
        others = np.flatnonzero(usable[1:-1]) + 1
        if not usable[-1] or len(others) < _FEWEST:
            continue
        lost = laps.course.lost_in(passage)
        took = laps.course.time_s[0, passage.end] - laps.course.time_s[0, passage.start]
        own = spread([lost[others]], float(took))
        found.append(Better(passage, float(np.median(lost[others]) - lost[-1]), own.deviation))
    return found
