"""Looks at every passage of a lap for a loss that has a cause, and prices it with the driver's last laps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.beside import Laps
from racing_coach_analysis.causes import Cause, Found, causes
from racing_coach_analysis.confidence import spread
from racing_coach_analysis.judged import FEWEST, RECURS, Finding, judged
from racing_coach_analysis.passages import Passage
from racing_coach_analysis.price import prices
from racing_coach_analysis.scene import LEAST_LOSS_S, Scene, scene
from racing_coach_analysis.steadied import steadied
from racing_coach_analysis.steadiness import Steadiness, steadiness

_LIKE_THIS: Final = 0.35
"""A lap shows the loss if it lost at least this share of what this lap lost."""

_DONE_ALIKE: Final = 0.5
"""It shows the cause if the driver's action differed by this share of what it differed by on this lap."""

_STILL: Final = 0.35
_STILL_WORTH: Final = 0.25
"""This lap must show at least this share of what the laps show on the average, in what was done and in what it cost."""

_EXPLAINS: Final = 0.4
"""A cause must explain this share of the loss; else the next one is tried."""

_MUCH_MORE: Final = 2.0
"""A cause on this lap alone is told instead of one that recurs if it stands out, and is worth so many times as much."""


@dataclass(frozen=True, slots=True)
class Better:
    """A passage that was driven quicker than usual, s."""

    passage: Passage
    gain_s: float
    own_spread_s: float


def find(laps: Laps) -> list[Finding]:
    """A finding for every passage that lost something for a reason."""
    scenes = [scene(laps, passage) for passage in laps.passages]
    steady = steadiness([one.driven for one in scenes if one is not None])
    findings: list[Finding] = []
    upstream: Finding | None = None
    for here in scenes:
        found = None if here is None else _look(here, steady)
        if found is not None and here is not None and not _brought_along(found, upstream, here):
            findings.append(found)
        upstream = found
    return findings


def _brought_along(found: Finding, upstream: Finding | None, here: Scene) -> bool:
    """Whether the speed that is missing in a corner was lost in the corner just before, for a reason of its own."""
    if upstream is None or not (upstream.recurs or upstream.stands_out):
        return False
    return found.found.cause in {Cause.CARRY_MORE_SPEED, Cause.WIDER_LINE} and here.came_slower()


def _look(here: Scene, steady: Steadiness) -> Finding | None:
    """A cause that recurs, or one of this lap alone that is worth much more."""
    most, last = here.most, here.last
    alone = np.zeros_like(last)
    alone[-1] = True
    alike = last & (most > max(_LIKE_THIS * most[-1], LEAST_LOSS_S))
    single = _first(here, [(one, alone) for one in causes(here.done, alone)], steady)
    often = None
    if alike.sum() >= RECURS:
        often = _first(here, [(one, alike) for one in causes(here.done, alike)], steady)
    if often is None and single is None:
        often = _first(here, _done_as_now(here, alone), steady)
    if often is None or single is None:
        return often or single
    return single if single.stands_out and single.gain_s > _MUCH_MORE * often.gain_s else often


def _done_as_now(here: Scene, alone: Flags) -> Iterable[tuple[Found, Flags]]:
    """What was done on this lap, with those of the last laps on which it was done too, whatever these lost."""
    for found in causes(here.done, alone):
        rows = here.last & here.done_alike(found, _DONE_ALIKE)
        if rows.sum() >= RECURS:
            yield from ((one, rows) for one in causes(here.done, rows) if one.cause is found.cause)


def _first(here: Scene, candidates: Iterable[tuple[Found, Flags]], steady: Steadiness) -> Finding | None:
    """The first cause, upstream first, that is no accident and explains enough of the loss on its laps."""
    for found, rows in candidates:
        priced = prices(here.course, here.passage, found, rows)
        worth = steadied(priced, found.cause, here.done, here.usual)
        # Who brakes too late first wins time: only what is left of the loss at the end counts for that.
        loss = (here.lost if found.phase == "whole" else here.most_by(found, rows))[rows].mean()
        seen = rows & (worth > _LIKE_THIS * worth[-1]) & here.done_alike(found, _DONE_ALIKE)
        if worth[rows].mean() < _EXPLAINS * loss or not (seen[-1] and _still_there(here, found, worth, rows)):
            continue
        finding = judged(here, found, worth, seen, steady)
        if finding is not None:
            return finding
    return None


def _still_there(here: Scene, found: Found, worth: Floats, rows: Flags) -> bool:
    """Whether this lap shows what the laps show on the average: what the driver has just left out is not told again."""
    measured: Floats = getattr(here.done, found.shown_by)
    usual = float(np.nanmean(measured[rows])) - measured[0]
    alike = (measured[-1] - measured[0]) * np.sign(usual) > _STILL * abs(usual)
    return bool(alike and worth[-1] > _STILL_WORTH * worth[rows].mean())


def better(laps: Laps) -> list[Better]:
    """Passages in which this lap was quicker than the driver usually is."""
    found = []
    for passage in laps.passages:
        usable = laps.usable(passage)
        others = np.flatnonzero(usable[1:-1]) + 1
        if not usable[-1] or len(others) < FEWEST:
            continue
        lost = laps.course.lost_in(passage)
        took = laps.course.time_s[0, passage.end] - laps.course.time_s[0, passage.start]
        own = spread([lost[others]], float(took))
        found.append(Better(passage, float(np.median(lost[others]) - lost[-1]), own.deviation))
    return found
