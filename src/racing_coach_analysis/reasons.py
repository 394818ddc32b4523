"""Why a lap, or a stretch of one, says nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a lap or a stretch of it is left out."""

    NOT_A_WHOLE_LAP = "not_a_whole_lap"
    MISSING_CHANNELS = "missing_channels"
    PIT = "pit"
    OFF_TRACK = "off_track"
    SPIN = "spin"
    STANDSTILL = "standstill"
    TOW = "tow"
    GAP = "gap"


class NotALapError(Exception):
    """These frames cannot be analysed as one lap.

    Attributes:
        reason: for programs.
        detail: for people, a clause without a full stop.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A stretch of a lap that says nothing about how the lap was driven.

    Attributes:
        from_pct, to_pct: where, as part of the lap; `from_pct` is the smaller.
        reason: why.
    """

    from_pct: float
    to_pct: float
    reason: Reason
