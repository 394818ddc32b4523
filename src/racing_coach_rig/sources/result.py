"""What a lap source found in a file."""

from dataclasses import dataclass, field

from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap


@dataclass(frozen=True, slots=True)
class RefusedLap:
    """Frames that are not published.

    Attributes:
        reason: why not, for the driver to read.
        lap_number: the simulator's number of the lap, None where it has none.
        frames: how many.
    """

    reason: str
    lap_number: int | None
    frames: int


@dataclass(frozen=True, slots=True)
class SourceResult:
    """Everything a file holds.

    Attributes:
        laps: complete laps, in driving order.
        refused: the rest of the frames.
        sessions: the driving sessions, also those without a complete lap.
        notes: what else the driver should know, such as a file that was cut short.
    """

    laps: list[Lap] = field(default_factory=list)
    refused: list[RefusedLap] = field(default_factory=list)
    sessions: list[SessionFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
