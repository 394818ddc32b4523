"""Cuts a stream of frames into laps at the start/finish line.

Where a lap begins and ends is decided by the car's position alone: `lap_distance_pct` runs out near 1 and
begins again near 0. iRacing's `Lap` counter only gives the lap its number. The counter is the client's
guess, which the server corrects a second or two later: around the first crossing of a race it goes 0, 1, 2
and back to 1 (https://sajax.github.io/irsdkdocs/telemetry/lap.html). A lap takes the number most of its
frames have.

The lap time is the time between the two crossings, each interpolated between the frames on both sides of
the line. At 60 Hz and 40 m/s² a car is within 1.4 mm of even motion between two frames, 0.03 ms at 50 m/s.
`LapLastLapTime` is not used, though it is what the driver sees: it comes up to some seconds after the line,
and not at all for a lap with an incident. Each lap would have to wait for it, and a file that is still
being written would give one lap two different times. It stays in the next lap's channel `last_lap_time`.

A car that stands on the line or reverses over it crosses it many times. The first crossing counts; the line
counts again when the car has been all the way round.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.completeness import MAX_GAP_PCT

MAX_FRAMES: Final = PayloadLimits().frames
"""A lap of more frames would be rejected by the daemon; at 60 Hz that is 33 minutes."""

MAX_GAP_S: Final = 1.0
"""The longest time between two frames of one lap. A pause of the recording is longer, a hiccup is shorter."""

FIRST_FRAME_SLACK: Final = 1.1
"""A recording begins at the line when its first frame is at most one frame's way behind it, give or take a
change of speed."""

NOT_IN_WORLD, OFF_TRACK, PIT_STALL, APPROACHING_PITS, ON_TRACK = range(-1, 4)
"""iRacing's `irsdk_TrkLoc`, in the channel `track_surface`."""

type Array = npt.NDArray[Any]


class Incomplete(StrEnum):
    """Why frames are no complete lap."""

    STARTED_MID_LAP = "it does not begin at the start/finish line"
    BEGAN_IN_PITS = "it begins in the pits"
    MOVED = "the car was moved, by a tow or a reset"
    NOT_DRIVING = "nobody is driving the car"
    MISSING_FRAMES = "frames are missing or out of order"
    SESSION_CHANGED = "another session begins"
    RECORDING_ENDED = "the recording ends before the start/finish line"
    TOO_LONG = "it has more frames than can be published"


@dataclass(frozen=True, slots=True)
class DriveFrames:
    """What the splitter looks at: arrays of equal length, one element a frame.

    Attributes:
        session_time: s since the session started.
        lap_number: the simulator's lap counter.
        lap_distance_pct: 0 to 1 of the lap; negative or NaN when the car is not in the world.
        track_surface: `irsdk_TrkLoc`, None where the simulator does not say.
        on_pit_road: None where the simulator does not say.
        is_driving: whether the player sits in the car on track (iRacing `IsOnTrack`), None where unknown.
        session: any number that is another one in another session, None for a single session.
    """

    session_time: Array
    lap_number: Array
    lap_distance_pct: Array
    track_surface: Array | None = None
    on_pit_road: Array | None = None
    is_driving: Array | None = None
    session: Array | None = None


@dataclass(frozen=True, slots=True)
class LapSlice:
    """One complete lap.

    Attributes:
        start, stop: its frames, counted from the first frame the splitter was fed; `stop` is excluded.
        lap_number: unique and rising within a session.
        lap_time: s between the crossings of the line.
        session: as in `DriveFrames`, 0 where that has none.
    """

    start: int
    stop: int
    lap_number: int
    lap_time: float
    session: int = 0


@dataclass(frozen=True, slots=True)
class IncompleteLap:
    """Frames that are no complete lap; fields as in `LapSlice`, the number as the simulator counts."""

    start: int
    stop: int
    lap_number: int
    reason: Incomplete
    session: int = 0

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class SplitResult:
    """What became known of the frames fed so far: every frame ends up in exactly one of these."""

    laps: list[LapSlice] = field(default_factory=list)
    incomplete: list[IncompleteLap] = field(default_factory=list)


def split(frames: DriveFrames, *, max_frames: int = MAX_FRAMES) -> SplitResult:
    """Split a whole recording."""
    splitter = LapSplitter(max_frames=max_frames)
    fed, rest = splitter.feed(frames), splitter.finish()
    return SplitResult(fed.laps + rest.laps, fed.incomplete + rest.incomplete)


_ROW: Final = np.dtype(
    [
        ("time", np.float64),
        ("pct", np.float64),
        ("lap", np.int64),
        ("session", np.int64),
        ("surface", np.int16),
        ("in_pits", np.bool_),
        ("is_driving", np.bool_),
    ]
)


@dataclass(slots=True)
class _Stretch:
    """Frames since the last boundary.

    Attributes:
        start: stream index of the first frame.
        session: of all its frames.
        flaw: why it cannot become a complete lap, None when it began at the line.
        began: session time at which the line was crossed.
        turns: times the line was crossed forwards less times backwards, since it began.
        lap_numbers: how many frames have which lap number.
    """

    start: int
    session: int
    flaw: Incomplete | None
    began: float
    turns: int = 0
    lap_numbers: Counter[int] = field(default_factory=Counter)

    @property
    def lap_number(self) -> int:
        """The number most frames have; of two that are equally common, the later."""
        return max(self.lap_numbers, key=lambda number: (self.lap_numbers[number], number))


class LapSplitter:
    """Splits a stream that is fed in chunks; how it is cut into chunks changes nothing.

    Args:
        max_frames: longer laps are reported as incomplete.
    """

    def __init__(self, *, max_frames: int = MAX_FRAMES) -> None:
        self._max_frames = max_frames
        self._previous = np.empty(0, _ROW)
        self._position = 0
        self._stretch = _Stretch(0, 0, Incomplete.STARTED_MID_LAP, 0.0)
        self._numbers: dict[int, int] = {}
        self._found = SplitResult()

    @property
    def position(self) -> int:
        """How many frames were fed."""
        return self._position

    @property
    def keep_from(self) -> int:
        """Index of the first frame that may still become part of a lap; those before need not be kept."""
        stretch = self._stretch
        if self._is_fresh:
            return stretch.start
        too_long = self._position - stretch.start > self._max_frames
        return self._position if stretch.flaw or too_long else stretch.start

    def feed(self, frames: DriveFrames) -> SplitResult:
        """Take the next frames.

        Returns:
            The laps and incomplete laps whose end lies in these frames.
        """
        chunk = _rows(frames)
        if not len(chunk):
            return SplitResult()
        rows = np.concatenate([self._previous, chunk])
        done = len(self._previous)
        first = self._position - done
        if not done:
            self._open(rows, 0, first, Incomplete.STARTED_MID_LAP)
        elif self._is_fresh:
            self._look_at_second(rows, 1)
        for boundary in _boundaries(rows):
            done = self._count(rows, done, boundary.at)
            if boundary.cut_by is None:
                self._cross(rows, first, boundary)
            else:
                self._close(first + boundary.at, boundary.cut_by)
                self._open(rows, boundary.at, first, boundary.cut_by)
        self._count(rows, done, len(rows))
        self._position += len(chunk)
        self._previous = rows[-1:].copy()
        return self._take_found()

    def finish(self) -> SplitResult:
        """Report what is left; the recording is over and nothing may be fed after it."""
        if self._position:
            self._close(self._position, Incomplete.RECORDING_ENDED)
        return self._take_found()

    @property
    def _is_fresh(self) -> bool:
        """Whether only one frame of the stretch was seen, so that its speed is not known yet."""
        return self._position - self._stretch.start == 1

    def _take_found(self) -> SplitResult:
        found, self._found = self._found, SplitResult()
        return found

    def _count(self, rows: Array, start: int, stop: int) -> int:
        """Count the lap numbers of rows of the current stretch."""
        numbers, counts = np.unique(rows["lap"][start:stop], return_counts=True)
        self._stretch.lap_numbers.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        return stop

    def _open(self, rows: Array, at: int, first: int, cause: Incomplete) -> None:
        """Begin a stretch at `rows[at]`, which is not a crossing of the line."""
        row = rows[at]
        if not row["is_driving"]:
            flaw = Incomplete.NOT_DRIVING
        elif row["in_pits"]:
            flaw = Incomplete.BEGAN_IN_PITS
        elif cause in {Incomplete.MOVED, Incomplete.MISSING_FRAMES}:
            flaw = cause
        else:
            flaw = Incomplete.STARTED_MID_LAP
        self._stretch = _Stretch(first + at, int(row["session"]), flaw, float(row["time"]))
        if at + 1 < len(rows):
            self._look_at_second(rows, at + 1)

    def _look_at_second(self, rows: Array, at: int) -> None:
        """Notice a recording that begins with the first frame behind the line: that lap is whole."""
        stretch, before, after = self._stretch, rows[at - 1], rows[at]
        way = after["pct"] - before["pct"]
        if stretch.flaw is not Incomplete.STARTED_MID_LAP or not 0 < way <= MAX_GAP_PCT:
            return
        if before["pct"] <= FIRST_FRAME_SLACK * way:
            since = before["pct"] / way * (after["time"] - before["time"])
            stretch.flaw, stretch.began = None, float(before["time"] - since)

    def _cross(self, rows: Array, first: int, boundary: "_Boundary") -> None:
        """The car crosses the line; a lap ends unless it only comes back over it."""
        stretch = self._stretch
        stretch.turns += boundary.direction
        if stretch.turns > 0 or (stretch.flaw is not None and boundary.direction > 0):
            crossed = _crossing_time(rows[boundary.at - 1], rows[boundary.at])
            self._close(first + boundary.at, None, crossed)
            self._stretch = _Stretch(first + boundary.at, stretch.session, None, crossed)

    def _close(self, stop: int, cut_by: Incomplete | None, crossed: float = 0.0) -> None:
        stretch = self._stretch
        number, session = stretch.lap_number, stretch.session
        flaw = stretch.flaw or cut_by
        if flaw is None and stop - stretch.start > self._max_frames:
            flaw = Incomplete.TOO_LONG
        if flaw is not None:
            self._found.incomplete.append(IncompleteLap(stretch.start, stop, number, flaw, session))
            return
        # Two laps of one session must not share a number: the second would be taken for a wrong copy.
        number = max(number, self._numbers.get(session, number - 1) + 1)
        self._numbers[session] = number
        self._found.laps.append(LapSlice(stretch.start, stop, number, crossed - stretch.began, session))


def _rows(frames: DriveFrames) -> Array:
    """The frames as one structured array, what is unknown filled with what changes nothing."""
    pct = np.asarray(frames.lap_distance_pct, np.float64)
    rows = np.empty(len(pct), _ROW)
    rows["time"], rows["lap"] = frames.session_time, frames.lap_number
    rows["pct"] = np.where(np.isfinite(pct), pct, -1.0)
    rows["session"] = 0 if frames.session is None else frames.session
    rows["surface"] = ON_TRACK if frames.track_surface is None else frames.track_surface
    in_pits = (rows["surface"] == PIT_STALL) | (rows["surface"] == APPROACHING_PITS)
    rows["in_pits"] = in_pits | (False if frames.on_pit_road is None else frames.on_pit_road)
    in_world = (rows["pct"] >= 0) & (rows["surface"] != NOT_IN_WORLD)
    rows["is_driving"] = in_world & (True if frames.is_driving is None else frames.is_driving)
    return rows


@dataclass(frozen=True, slots=True)
class _Boundary:
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


def _boundaries(rows: Array) -> Iterator[_Boundary]:
    before, after = rows[:-1], rows[1:]
    driving = before["is_driving"] & after["is_driving"]
    cuts = _cuts(before, after, driving)
    directions = np.where(driving & (cuts == 0), _directions(before["pct"], after["pct"]), 0)
    for index in np.flatnonzero((cuts != 0) | (directions != 0)).tolist():
        yield _Boundary(index + 1, _CUTS[cuts[index]], int(directions[index]))


def _cuts(before: Array, after: Array, driving: Array) -> Array:
    """For every pair of rows the index into `_CUTS`."""
    pause = after["time"] - before["time"]
    # From the track into the pit stall leads only the pit road: a car that skips it was put there.
    into_stall = (after["surface"] == PIT_STALL) & np.isin(before["surface"], (OFF_TRACK, ON_TRACK))
    moved = into_stall | (np.abs(_way(before["pct"], after["pct"])) > MAX_GAP_PCT)
    conditions = [
        after["session"] != before["session"],
        after["is_driving"] != before["is_driving"],
        driving & ((pause < 0) | (pause > MAX_GAP_S)),
        driving & moved,
    ]
    return np.select(conditions, range(1, len(_CUTS)), 0)


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


def _crossing_time(before: Any, after: Any) -> float:
    """When a car that drove evenly from one row to the next was on the line."""
    way = 1 - before["pct"] + after["pct"]
    share = (1 - before["pct"]) / way if way > 0 else 1.0
    return float(before["time"] + share * (after["time"] - before["time"]))
