"""Where something happens between two frames: the car crosses the line, or no lap can go on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from racing_coach_core.completeness import MAX_GAP_PCT
from racing_coach_core.track_surface import TrackSurface
from racing_coach_rig.sources.splitting.found import Incomplete
from racing_coach_rig.sources.splitting.frames import Array

MAX_GAP_S: Final = 1.0
"""The longest time between two frames of one lap. A pause of the recording is longer, a hiccup is shorter."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Something happened between two rows.

    Attributes:
        at: the later row.
        cut_by: why no lap can go on here, None where the car crossed the line.
        direction: 1 when it crossed the line forwards, -1 backwards.
    """

    at: int
    cut_by: Incomplete | None
    direction: int


_CUTS: Final = (
    None,
    Incomplete.SESSION_CHANGED,
    Incomplete.NOT_DRIVING,
    Incomplete.MISSING_FRAMES,
    Incomplete.MOVED,
)


def boundaries(rows: Array) -> Iterator[Boundary]:
    """Every boundary between two neighbours of some rows (`ROW`), in order."""
    before, after = rows[:-1], rows[1:]
    driving = before["is_driving"] & after["is_driving"]
    cuts = _cuts(before, after, driving)
    directions = np.where(driving & (cuts == 0), _directions(before["pct"], after["pct"]), 0)
    for index in np.flatnonzero((cuts != 0) | (directions != 0)).tolist():
        yield Boundary(index + 1, _CUTS[cuts[index]], int(directions[index]))


# A recording may hold anything. A lap with what is infinite is refused later, in words; numpy would warn of it here.
_QUIETLY: Final = np.errstate(invalid="ignore", over="ignore")


@_QUIETLY
def _cuts(before: Array, after: Array, driving: Array) -> Array:
    """For every pair of rows the index into `_CUTS`."""
    pause = after["time"] - before["time"]
    # From the track into the pit stall leads only the pit road: a car that skips it was put there.
    into_stall = (after["surface"] == TrackSurface.PIT_STALL) & np.isin(
        before["surface"], (TrackSurface.OFF_TRACK, TrackSurface.ON_TRACK)
    )
    moved = into_stall | (np.abs(_way(before["pct"], after["pct"])) > MAX_GAP_PCT)
    conditions = [
        after["session"] != before["session"],
        after["is_driving"] != before["is_driving"],
        driving & ((pause < 0) | (pause > MAX_GAP_S)),
        driving & moved,
    ]
    return np.select(conditions, range(1, len(_CUTS)), 0)


@_QUIETLY
def _directions(before: Array, after: Array) -> Array:
    """1 where the line was crossed forwards, -1 backwards, 0 elsewhere."""
    half = 0.5
    forwards = (before > half) & (after < half)
    backwards = (before < half) & (after > half)
    near_line = np.abs(after - before) > half
    return np.where(near_line, forwards.astype(np.int8) - backwards.astype(np.int8), 0)


def _way(before: Array, after: Array) -> Array:
    """How far the car went, in laps from -0.5 to 0.5, the shorter way round."""
    return (after - before + 0.5) % 1.0 - 0.5


@_QUIETLY
def crossing_time(before: Any, after: Any) -> float:
    """The session time, s, at which a car that drove evenly from one row (`ROW`) to the next was on the line."""
    way = 1 - before["pct"] + after["pct"]
    share = (1 - before["pct"]) / way if way > 0 else 1.0
    return float(before["time"] + share * (after["time"] - before["time"]))
