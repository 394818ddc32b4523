"""One passage as the reference and all laps of a driver drove it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.beside import Laps
from racing_coach_analysis.causes import Found
from racing_coach_analysis.passages import Passage
from racing_coach_analysis.price import Course
from racing_coach_analysis.steadiness import Driven

LOOKED_AT: Final = 5
"""How many of the last laps a loss must recur in, this one among them."""


LEAST_LOSS_S: Final = 0.02
"""Less is not looked into."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Attributes are arrays with a value for every lap, the reference in row 0, the lap in question in the last.

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
    def took_s(self) -> float:
        """How long the reference takes for the passage, s."""
        return float(self.course.time_s[0, self.passage.end] - self.course.time_s[0, self.passage.start])

    @property
    def usual(self) -> Flags:
        """The driver's laps before the last five."""
        usual = self.usable & ~self.last
        usual[0] = False
        return usual

    @property
    def driven(self) -> Driven:
        """What tells the driver's spread."""
        return self.done, self.lost, self.took_s, self.usual

    def most_by(self, found: Found, rows: Flags) -> Floats:
        """The most that a cause can have cost: on the way out, up to where that ends."""
        if found.phase != "exit":
            return self.most
        return self.course.most_lost(self.passage, self.course.way_out(self.passage, rows))

    def done_alike(self, found: Found, share: float) -> Flags:
        """Laps on which the driver did what they did on this one, by a share of it at least, and did not merely lose
        time in some other way.
        """
        measured: Floats = getattr(self.done, found.shown_by)
        away = measured - measured[0]
        alike: Flags = np.nan_to_num(away * np.sign(away[-1])) > share * abs(np.nan_to_num(away[-1]))
        return alike

    def came_slower(self) -> bool:
        """Whether this lap came to the corner with most of the speed missing that is missing in it."""
        speed, slowest = self.course.speed[:, self.passage.peak], self.done.slowest_mps
        return bool(1 - speed[-1] / speed[0] > _BROUGHT_ALONG * (1 - slowest[-1] / slowest[0]))


_BROUGHT_ALONG: Final = 0.5
"""Of what is missing at the slowest place: whoever came with so much missing lost it in the corner before."""


def scene(laps: Laps, passage: Passage) -> Scene | None:
    """Put the laps on one passage; None where this lap lost nothing, or says nothing."""
    usable = laps.usable(passage)
    if not (usable[0] and usable[-1]):
        return None
    level = laps.level(passage)
    lost, most = level.lost_in(passage), level.most_lost(passage)
    if not most[-1] > LEAST_LOSS_S:
        return None
    last = np.zeros(len(usable), dtype=np.bool_)
    last[np.flatnonzero(usable[1:])[-LOOKED_AT:] + 1] = True
    return Scene(level, passage, laps.did(passage), lost, most, usable, last)
