"""What a cause costs: how much sooner the car would be at the end of the passage if that part of it had been driven as
the reference drove it, and the rest as it was. For several laps at once, one row a lap, the reference in row 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats
from racing_coach_analysis.causes import Found
from racing_coach_analysis.passages import Passage

_LEVEL: Final = 0.003
"""Speeds that differ by less are level."""

_DRAG: Final = 4.0e-4
"""Drag per squared speed of a usual racing car, 1/m; it matters little beside the engine's power below 60 m/s."""

_FULL: Final = 0.9
_PRESSED: Final = 0.6

_BRAKING: Final = 0.05
_ROLLING: Final = 0.3
_SLOWING: Final = 1.0
"""Who slows down on purpose: brakes, or lets the car slow by this, m/s², with less throttle than that."""

_LEAST_SHARE: Final = 0.25
"""Of the reference's squared speed: what is missing is never thought to leave less than half of the speed."""

_MOST_FADED: Final = 500.0
"""Exponent beyond which a number would become 0; no lap of a car comes near it."""

_LEAST_CARRIED_S: Final = 0.05
"""Speed that is too much at the way out of a corner is scrubbed off: it is worth no more than this."""


@dataclass(frozen=True, slots=True)
class Course:
    """Laps on one grid.

    Attributes:
        time_s, speed, throttle: a row for each lap, row 0 of them the reference.
        faded: what is left at each place of a deficit of squared speed that was 1 at the line, while nobody brakes.
        undone: the deficit at the line of which nothing is left at each place, because the reference slows down on
            purpose, and who is slower does so later.
        step_m: of the grid.
    """

    time_s: Floats
    speed: Floats
    throttle: Floats
    faded: Floats
    undone: Floats
    step_m: float

    def index(self, place_m: float) -> int:
        return min(max(round(place_m / self.step_m), 0), int(self.time_s.shape[1]) - 1)

    def lost(self, start: int, end: int) -> Floats:
        """Time that each lap lost on the reference between two places, s."""
        took: Floats = self.time_s[:, end] - self.time_s[:, start]
        return took - float(took[0])

    def lost_by(self, passage: Passage, start: int | None = None, end: int | None = None) -> Floats:
        """Time lost between two places (by default the ends of a passage) by what happened there, s: with what the
        speed that is missing at the end costs on the rest of the straight.
        """
        begin = passage.start if start is None else start
        until = passage.end if end is None else end
        return self.lost(begin, until) + self.carried(until)

    def lost_in(self, passage: Passage) -> Floats:
        """The same for the whole passage, without what speed missing at its start cost on the way to the corner."""
        return self.lost_by(passage) - self.carried(passage.start)

    def most_lost(self, passage: Passage, end: int | None = None) -> Floats:
        """The most time that each lap lost between any two places from the start of a passage to its end (or another
        place), s: what it won back elsewhere in it could have been won all the same.
        """
        until = passage.end if end is None else end
        stretch = slice(passage.start, until + 1)
        later = self.time_s[:, stretch] - self.time_s[0, stretch]
        beyond = later[:, -1] + self.carried(until)
        later = np.concatenate([later, beyond[:, None]], axis=1)
        most: Floats = (later - np.minimum.accumulate(later, axis=1)).max(axis=1)
        return most

    def way_out(self, passage: Passage, rows: Flags) -> int:
        """Where the way out of a corner is over: where the first of some laps, or the reference, lets the throttle go
        for the next corner. That lies beyond the end of the passage, which leaves room for braking early.
        """
        stretch = slice(passage.end, passage.reach + 1)
        pressed = self.throttle[:, stretch] > _PRESSED
        last = pressed.shape[1] - 1 - np.argmax(pressed[:, ::-1], axis=1)
        own = rows.copy()
        own[0] = True
        return passage.end + int(np.where(pressed.any(axis=1), last, 0)[own].min())

    def carried(self, place: int) -> Floats:
        """What the speed that is missing at a place costs on the way from there, s, driven as the reference drives.

        A deficit D of squared speed shrinks by thrust and drag: dD/ds = -(u P / v³ + 2k) D, with P the power per mass
        and u the throttle; where the reference slows down on purpose, who is slower does so later, until nothing is
        left of it. Where it is D, a metre takes 1 / sqrt(v² - D) - 1 / v seconds more.
        """
        missing = np.nan_to_num(self.speed[0, place] ** 2 - self.speed[:, place] ** 2)
        at_line = missing / self.faded[place]
        gone = int(np.searchsorted(self.undone, self.undone[place] + np.abs(at_line).max()))
        way = slice(place, max(gone, place + 1))
        left = np.maximum(np.abs(at_line)[:, None] - (self.undone[way] - self.undone[place]), 0.0)
        deficit = np.sign(missing)[:, None] * left * self.faded[way]
        square = self.speed[0, way] ** 2
        later = 1 / np.sqrt(np.maximum(square - deficit, _LEAST_SHARE * square)) - 1 / self.speed[0, way]
        cost: Floats = np.nan_to_num(later).sum(axis=1) * self.step_m
        return cost


def course(time_s: Floats, speed: Floats, throttle: Floats, brake: Floats, step_m: float) -> Course:
    """Put laps beside one another; the power is what the reference shows under full throttle."""
    known = np.isfinite(speed[0])
    reference = np.where(known, np.maximum(speed[0], 5.0), np.inf)
    gained = np.nan_to_num(np.gradient(speed[0] ** 2) / (2 * step_m))
    pedal = np.nan_to_num(throttle[0])
    flat = (pedal > _FULL) & known
    power = (
        float(np.percentile(gained[flat] * reference[flat] + _DRAG * reference[flat] ** 3, 90)) if flat.any() else 0.0
    )
    rate = pedal * max(power, 0.0) / reference**3 + 2 * _DRAG
    faded = np.exp(-np.minimum(step_m * np.concatenate([[0.0], np.cumsum(rate[:-1])]), _MOST_FADED))
    meant = (np.nan_to_num(brake[0]) > _BRAKING) | ((pedal < _ROLLING) & (gained < -_SLOWING))
    shed = np.where(meant, 2 * step_m * np.maximum(-gained, 0.0), 0.0) / faded
    return Course(time_s, speed, throttle, faded, np.concatenate([[0.0], np.cumsum(shed[:-1])]), step_m)


def prices(laps: Course, passage: Passage, found: Found, rows: Flags) -> Floats:
    """What a cause cost on each lap, s: not bounded, so that a mean over laps is not bent.

    - entry: what was lost until the speeds were level again;
    - whole: what was lost from there to the end of the passage;
    - middle: what was lost up to the place where the reference leaves the slowest part, and what the missing speed
      there cost on the way out;
    - exit: what was lost on the way out, without what the missing speed at its beginning cost.
    """
    start = min(max(laps.index(found.from_m), passage.start), passage.end - 1)
    if found.phase == "whole":
        return laps.lost_by(passage, start)
    if found.phase == "exit":
        gone = laps.lost_by(passage, start, laps.way_out(passage, rows))
        return gone - np.maximum(laps.carried(start), -_LEAST_CARRIED_S)
    if found.phase == "middle":
        turn = min(max(_out_of_corner(laps, passage), start + 1), passage.end)
        return laps.lost(start, turn) + laps.carried(turn)
    return laps.lost(start, _level_again(laps, passage, rows))


def _out_of_corner(laps: Course, passage: Passage) -> int:
    """Where the reference has left the slowest part of the corner."""
    return passage.slowest + max(round(12 / laps.step_m), 1)


def _level_again(laps: Course, passage: Passage, rows: Flags) -> int:
    """Where the laps are as fast as the reference again: between a little before its slowest place and that."""
    begin = max(passage.slowest - round(20 / laps.step_m), passage.peak)
    end = passage.slowest + 1
    speed = laps.speed[rows][:, begin:end].mean(axis=0)
    level = speed >= (1 - _LEVEL) * laps.speed[0, begin:end]
    return begin + int(np.argmax(level)) if level.any() else end
