"""What the splitter finds: laps, and frames that are none."""

from dataclasses import dataclass, field
from enum import StrEnum


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
