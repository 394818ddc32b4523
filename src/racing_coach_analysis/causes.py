"""What a loss comes from: the driver's actions in a passage beside the reference's, upstream first, because who brakes
too late is also late on the throttle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.arrays import Flags, Floats


class Cause(StrEnum):
    """What the driver should do about a loss. The vocabulary is closed: the wire contract has no other words."""

    BRAKE_LATER = "brake_later"
    BRAKE_EARLIER = "brake_earlier"
    BRAKE_HARDER = "brake_harder"
    RELEASE_BRAKE_EARLIER = "release_brake_earlier"
    CARRY_MORE_SPEED = "carry_more_speed"
    THROTTLE_EARLIER = "throttle_earlier"
    THROTTLE_SMOOTHER = "throttle_smoother"
    LESS_COASTING = "less_coasting"
    LOWER_GEAR = "lower_gear"
    HIGHER_GEAR = "higher_gear"
    WIDER_LINE = "wider_line"


USUAL_SPREAD: Final[Mapping[str, float]] = {
    "dips": 0.08,
    "short_m": 8.0,
    "gear": 0.15,
    "rolling_m": 6.0,
    "onset_m": 2.5,
    "pressure": 0.03,
    "release_m": 3.0,
    "slowest_mps": 0.007,
    "pick_up_m": 2.5,
}
"""Standard deviation of measures from lap to lap that is assumed before a driver is known."""

RELATIVE: Final = frozenset({"slowest_mps"})
"""Those of which it is a share of the value."""

type Phase = Literal["entry", "whole", "middle", "exit"]
"""What a cause makes slower: the way until the speeds are level again; all from there on; the corner, and the straight
by what speed is missing at its end; the straight.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A cause.

    Attributes:
        cause: in the words of the message.
        phase: what it makes slower.
        from_m: where it begins to cost time, m along the lap.
        at_m: where to act, m along the lap: where the reference does it.
        amount: how much of it, in the unit of the words: metres, percent, gears.
        shown_by: the measure that shows it.
        evidence: name of a measure to its values on this lap (or the mean of the laps looked at) and the reference.
    """

    cause: Cause
    phase: Phase
    from_m: float
    at_m: float
    amount: float
    shown_by: str
    evidence: Mapping[str, tuple[float, float]]


ONSET_M: Final = 5.0
"""Braking points that differ by less are noise (see docs/coaching.md)."""
RELEASE_M: Final = 5.0
PICK_UP_M: Final = 4.0
ROLLING_M: Final = 22.0
SPEED: Final = 0.010
PRESSURE: Final = 0.86
BEND: Final = 1.04
DIPS: Final = 0.4
SHORT_M: Final = 22.0
GEARS: Final = 0.6
_STRAIGHT: Final = 1e-4
_WAY_OUT_M: Final = 50.0
_SLOW_FOOT_M: Final = 60.0


def causes(done: Actions, rows: Flags) -> list[Found]:
    """What may have caused a loss on some of the laps, the likelier first.

    Args:
        done: by the reference (row 0) and the driver's laps.
        rows: which laps to speak of.
    """
    mean = _Means(done, rows)
    makers = (_smoother, _gear, _rolling, _too_late, _too_early, _held, _slow, _late_throttle)
    # Where it is not known on most laps where something was done, nobody can be told where to do it otherwise.
    return [found for maker in makers if (found := maker(mean)) is not None and np.isfinite(found.from_m + found.at_m)]


class _Means:
    """The mean over the laps spoken of, and the reference's value, of each measure."""

    def __init__(self, done: Actions, rows: Flags) -> None:
        self._done = done
        self._rows = rows
        self._known: dict[str, tuple[float, float]] = {}

    def of(self, name: str) -> tuple[float, float]:
        if name not in self._known:
            values: Floats = getattr(self._done, name)
            known = values[self._rows]
            known = known[np.isfinite(known)]
            most = 2 * len(known) > self._rows.sum()
            self._known[name] = (float(known.sum()) / len(known) if most else np.nan, float(values[0]))
        return self._known[name]

    def more(self, name: str) -> float:
        """This minus the reference; NaN where either is not known, which compares as false with everything."""
        this, reference = self.of(name)
        return this - reference


def _smoother(mean: _Means) -> Found | None:
    if not mean.more("dips") > DIPS:
        return None
    at = mean.of("dip_m")[0]
    if not np.isfinite(at):
        return None
    percent = 100 * min(mean.more("dips"), 1.0)
    pick_up = mean.of("on_m")[1]
    begin = at = pick_up if at - pick_up < _WAY_OUT_M else at
    return Found(
        Cause.THROTTLE_SMOOTHER, "exit", begin - 8, at, percent, "dips", {"throttle_given_back": mean.of("dips")}
    )


def _gear(mean: _Means) -> Found | None:
    if mean.more("short_m") > SHORT_M:
        at = mean.of("short_at_m")[0]
        evidence = {"over_revved_m": mean.of("short_m")}
        return Found(Cause.HIGHER_GEAR, "exit", at - 8, at, mean.more("short_m"), "short_m", evidence)
    if mean.more("gear") > GEARS:
        at = mean.of("slowest_m")[1]
        gears = max(round(mean.more("gear")), 1)
        # Until the throttle comes a gear costs nothing: what is missing there is the corner's.
        begin = max(at - 16, np.nan_to_num(mean.of("on_m")[1] - 8))
        return Found(Cause.LOWER_GEAR, "exit", begin, at, gears, "gear", {"exit_gear": mean.of("gear")})
    return None


def _rolling(mean: _Means) -> Found | None:
    more, earlier = mean.more("rolling_m"), -mean.more("lift_m")
    if not (more > ROLLING_M and earlier > 0.6 * more):
        return None
    lift = mean.of("lift_m")
    evidence = {"coasting_m": mean.of("rolling_m"), "lift_m": lift}
    return Found(Cause.LESS_COASTING, "entry", lift[0] - 12, lift[0], more, "rolling_m", evidence)


def _too_late(mean: _Means) -> Found | None:
    later = mean.more("onset_m")
    slower = 1 - mean.of("slowest_mps")[0] / mean.of("slowest_mps")[1]
    if not (later > ONSET_M and slower > SPEED and mean.more("pick_up_m") > PICK_UP_M):
        return None
    at = mean.of("onset_m")[1]
    evidence = {
        "brake_onset_m": mean.of("onset_m"),
        "min_speed_mps": mean.of("slowest_mps"),
        "throttle_pick_up_m": mean.of("pick_up_m"),
    }
    return Found(Cause.BRAKE_EARLIER, "whole", at - 12, at, later, "slowest_mps", evidence)


def _too_early(mean: _Means) -> Found | None:
    earlier = -mean.more("onset_m")
    if not earlier > ONSET_M:
        return None
    onset, pressure = mean.of("onset_m"), mean.of("pressure")
    evidence = {"brake_onset_m": onset, "brake_pressure": pressure}
    begin = min(mean.of("lift_m")[0], onset[0]) if np.isfinite(mean.of("lift_m")[0]) else onset[0]
    if pressure[0] < PRESSURE * pressure[1]:
        percent = 100 * (1 - pressure[0] / pressure[1])
        return Found(Cause.BRAKE_HARDER, "entry", begin - 12, onset[1], percent, "pressure", evidence)
    return Found(Cause.BRAKE_LATER, "entry", begin - 12, onset[1], earlier, "onset_m", evidence)


def _held(mean: _Means) -> Found | None:
    later = mean.more("release_m")
    slower = 1 - mean.of("slowest_mps")[0] / mean.of("slowest_mps")[1]
    if not (later > RELEASE_M and slower > 0.3 * SPEED):
        return None
    release = mean.of("release_m")
    evidence = {"brake_release_m": release, "min_speed_mps": mean.of("slowest_mps")}
    return Found(Cause.RELEASE_BRAKE_EARLIER, "middle", release[1] - 24, release[1], later, "release_m", evidence)


def _slow(mean: _Means) -> Found | None:
    this, reference = mean.of("slowest_mps")
    slower = 1 - this / reference
    if not slower > SPEED:
        return None
    at = mean.of("slowest_m")[1]
    # Speed that is too low at the apex is shed before that: from the middle of the braking on.
    braking = (mean.of("onset_m")[1] + mean.of("release_m")[1]) / 2
    begin = min(at - 60, braking) if np.isfinite(braking) else at - 60
    bend = mean.of("bend")
    if bend[1] > _STRAIGHT and bend[0] > BEND * bend[1]:
        evidence = {"curvature_rad_m": bend, "min_speed_mps": (this, reference)}
        return Found(Cause.WIDER_LINE, "middle", begin, at, 100 * (bend[0] / bend[1] - 1), "slowest_mps", evidence)
    evidence = {"min_speed_mps": (this, reference)}
    return Found(Cause.CARRY_MORE_SPEED, "middle", begin, at, 100 * slower, "slowest_mps", evidence)


def _late_throttle(mean: _Means) -> Found | None:
    later = mean.more("pick_up_m")
    if not later > PICK_UP_M:
        return None
    pick_up = mean.of("pick_up_m")
    evidence = {"throttle_pick_up_m": pick_up}
    begun = mean.of("on_m")[1]
    at = begun if np.isfinite(begun) else pick_up[1]
    # A foot that comes slowly hovers about the level that counts as begun: the price begins before that.
    begin = min(at, max(mean.of("slowest_m")[1], pick_up[1] - _SLOW_FOOT_M)) - 16
    return Found(Cause.THROTTLE_EARLIER, "exit", begin, at, later, "pick_up_m", evidence)
