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
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.completeness import MAX_GAP_PCT
from racing_coach_rig.sources.splitting.boundaries import Boundary, boundaries, crossing_time
from racing_coach_rig.sources.splitting.found import Incomplete, IncompleteLap, LapSlice, SplitResult
from racing_coach_rig.sources.splitting.frames import ROW, Array, DriveFrames, rows_of

MAX_FRAMES: Final = PayloadLimits().frames
"""A lap of more frames would be rejected by the daemon; at 60 Hz that is 33 minutes."""

FIRST_FRAME_SLACK: Final = 1.1
"""A recording begins at the line when its first frame is at most one frame's way behind it, give or take a
change of speed."""


def split(frames: DriveFrames, *, max_frames: int = MAX_FRAMES) -> SplitResult:
    """Split a whole recording."""
    splitter = LapSplitter(max_frames=max_frames)
    fed, rest = splitter.feed(frames), splitter.finish()
    return SplitResult(fed.laps + rest.laps, fed.incomplete + rest.incomplete)


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
        self._previous = np.empty(0, ROW)
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
        chunk = rows_of(frames)
        if not len(chunk):
            return SplitResult()
        rows = np.concatenate([self._previous, chunk])
        done = len(self._previous)
        first = self._position - done
        if not done:
            self._open(rows, 0, first, Incomplete.STARTED_MID_LAP)
        elif self._is_fresh:
            self._look_at_second(rows, 1)
        for boundary in boundaries(rows):
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

    def _cross(self, rows: Array, first: int, boundary: Boundary) -> None:
        """The car crosses the line; a lap ends unless it only comes back over it."""
        stretch = self._stretch
        stretch.turns += boundary.direction
        if stretch.turns > 0 or (stretch.flaw is not None and boundary.direction > 0):
            crossed = crossing_time(rows[boundary.at - 1], rows[boundary.at])
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
