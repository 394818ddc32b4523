"""What the coach says of one lap, as the coaching message has it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from racing_coach_analysis.causes import Cause
from racing_coach_analysis.reasons import NotALapError, Reason


class Silence(StrEnum):
    """Why nothing is said."""

    NO_REFERENCE = "no_reference"
    NOT_A_WHOLE_LAP = "not_a_whole_lap"
    OFF_TRACK = "off_track"
    PIT = "pit"
    NO_SIGNIFICANT_LOSS = "no_significant_loss"
    MISSING_CHANNELS = "missing_channels"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do differently.

    Attributes:
        key: corner and cause, the same from lap to lap; without corners, the place and the cause.
        corner, corner_name: of the track's map; `corner` is 0 on a track without corners.
        cause: what to do.
        at_pct, at_m: where to act.
        from_pct, to_pct: what it speaks of: the way to the corner, the corner, and the straight after it.
        loss_s: lost there on this lap, s.
        gain_s, gain_s_low, gain_s_high: what doing it is worth, and the ends of its 95 % interval, s.
        confidence: how likely it is worth a word at all, 0 to 1.
        laps_seen, laps_looked_at: how many of the last laps show it.
        amount: how much of the cause, in the unit of its words: m, percent or gears.
        evidence: measure to its values on this lap (or the mean over `laps_seen`) and on the reference.
        text: in words.
    """

    key: str
    corner: int
    corner_name: str | None
    cause: Cause
    at_pct: float
    at_m: float
    from_pct: float
    to_pct: float
    loss_s: float
    gain_s: float
    gain_s_low: float
    gain_s_high: float
    confidence: float
    laps_seen: int
    laps_looked_at: int
    amount: float
    evidence: Mapping[str, tuple[float, float]]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Praise:
    """Something done well: how much sooner than usual, s."""

    corner: int
    corner_name: str | None
    gain_s: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Coaching:
    """What is said of a lap: advice, praise, or the reason for silence.

    Attributes:
        advice: at most three, the most valuable first.
        praise: at most one.
        silence: why there is neither advice nor praise, None where there is.
        silence_text: the same for people.
        delta_s: the lap's time minus the reference's, None without a reference.
    """

    advice: tuple[Advice, ...] = ()
    praise: tuple[Praise, ...] = ()
    silence: Silence | None = None
    silence_text: str | None = None
    delta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of an earlier lap: the keys of its advice."""

    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, coaching: Coaching) -> "Said":
        return cls(tuple(advice.key for advice in coaching.advice))


_SILENCES: Final = {
    Reason.NOT_A_WHOLE_LAP: Silence.NOT_A_WHOLE_LAP,
    Reason.MISSING_CHANNELS: Silence.MISSING_CHANNELS,
    Reason.PIT: Silence.PIT,
    Reason.OFF_TRACK: Silence.OFF_TRACK,
    Reason.SPIN: Silence.OFF_TRACK,
    Reason.STANDSTILL: Silence.NOT_A_WHOLE_LAP,
    Reason.TOW: Silence.OFF_TRACK,
    Reason.GAP: Silence.NOT_A_WHOLE_LAP,
}


def silence_for(reason: Reason) -> Silence:
    """The word of the message for a reason of the analysis."""
    return _SILENCES[reason]


def silent(silence: Silence, text: str, delta_s: float | None = None) -> Coaching:
    return Coaching(silence=silence, silence_text=text, delta_s=delta_s)


def not_a_lap(error: NotALapError) -> Coaching:
    """The coaching for frames that are no lap."""
    return silent(silence_for(error.reason), error.detail)


def with_delta(coaching: Coaching, delta_s: float) -> Coaching:
    return replace(coaching, delta_s=delta_s)
