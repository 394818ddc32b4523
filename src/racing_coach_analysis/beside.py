"""This lap, the reference and the driver's last laps on one grid, to be looked at passage by passage."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from racing_coach_analysis.actions import Actions, actions, fastest_in_gears
from racing_coach_analysis.analysed import Analysed
from racing_coach_analysis.arrays import Flags
from racing_coach_analysis.passages import Passage, passages
from racing_coach_analysis.price import Course, course

REMEMBERED: Final = 20
"""How many earlier laps tell the driver's spread. A driver of fifty laps ago was another driver."""

_COMMON_PACE: Final = 0.003
"""A lap that is slower throughout by up to this share is no worse driven; by twice as much, it is."""

_EVERY: Final = 5
"""Pace is read at every so many places of the grid."""


_SANE: Final = {
    "speed": (1.0, 150.0),
    "throttle": (0.0, 1.0),
    "brake": (0.0, 1.0),
    "gear": (-1.0, 15.0),
    "curvature": (-0.5, 0.5),
}
"""The channels that are looked at, with the least and the most that they can be."""


class Laps:
    """Laps beside one another, the reference in row 0 and the lap in question in the last.

    Args:
        this: the lap in question.
        reference: to compare with.
        history: the driver's laps before this one, the latest last.
    """

    def __init__(self, this: Analysed, reference: Analysed, history: Sequence[Analysed]) -> None:
        steps = reference.steps
        self.laps = [reference, *(lap.on(steps) for lap in (*history[-REMEMBERED:], this))]
        self.steps = steps
        self.step_m = reference.length_m / steps
        self.length_m = reference.length_m
        self.passages = passages(reference)
        shared = [name for name in _SANE if all(name in lap.channels for lap in self.laps)]
        rows = {name: np.stack([lap.channels[name] for lap in self.laps]) for name in shared}
        # Telemetry may say anything; what no car does must not become a number that looks like a finding.
        self._channels = {name: np.clip(values, *_SANE[name]) for name, values in rows.items()}
        speed, throttle = self._channels["speed"], self._channels["throttle"]
        times = np.stack([lap.time_s for lap in self.laps])
        self.course = course(times, speed, throttle, self._channels["brake"], self.step_m)
        self._ratio = speed[:, ::_EVERY] / speed[0, ::_EVERY]
        gear = self._channels.get("gear")
        self._fastest = fastest_in_gears(gear[0], speed[0], throttle[0]) if gear is not None else None

    def level(self, passage: Passage) -> Course:
        """The laps without what each is slower or quicker by everywhere but in a passage.

        Worn tyres, fuel and wind are no corner's fault. What is much more than that is the driver's, and stays in.
        """
        elsewhere = np.ones(self._ratio.shape[1], dtype=np.bool_)
        elsewhere[passage.start // _EVERY : passage.end // _EVERY + 1] = False
        ratio = self._ratio[:, elsewhere]
        if not np.isfinite(ratio).all():
            ratio = np.where(np.isfinite(ratio), ratio, 1.0)
        if not ratio.size:
            return self.course
        pace = np.median(ratio, axis=1) - 1
        pace *= np.clip(2 - np.abs(pace) / _COMMON_PACE, 0.0, 1.0)
        share = 1 + pace[:, None]
        return replace(self.course, time_s=self.course.time_s * share, speed=self.course.speed / share)

    def usable(self, passage: Passage) -> Flags:
        """Which laps were driven normally in a passage."""
        stretch = passage.start / self.steps, passage.end / self.steps
        known = np.isfinite(self._channels["speed"][:, passage.start : passage.end + 1]).all(axis=1)
        return np.array([lap.excluded(*stretch) is None for lap in self.laps]) & known

    def did(self, passage: Passage) -> Actions:
        """What each driver did in a passage."""
        return actions(self._channels, passage, self.step_m, self._fastest)
