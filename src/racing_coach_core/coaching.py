"""What the coach says of a lap, on `.../coaching/{rig}/cars/{car}`, and what it is made of."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from racing_coach_core.frames import WireModel

type Share = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1: a confidence, or a place as part of the lap."""


class Cause(StrEnum):
    """What to do differently; the vocabulary is closed."""

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


class Silence(StrEnum):
    """Why there is no advice."""

    NO_REFERENCE = "no_reference"
    NOT_A_WHOLE_LAP = "not_a_whole_lap"
    OFF_TRACK = "off_track"
    PIT = "pit"
    NO_SIGNIFICANT_LOSS = "no_significant_loss"
    MISSING_CHANNELS = "missing_channels"
    TOO_OLD = "too_old"


class ReferenceRule(StrEnum):
    """Why a lap is the one that is compared with; in the order in which they are tried."""

    CHOSEN = "chosen"
    OWN_BEST = "own_best"
    CAR_BEST = "car_best"


class Reference(WireModel):
    """The lap that a lap is compared with."""

    lap_id: UUID
    lap_time: float = Field(description="s")
    rule: ReferenceRule


class Advice(WireModel):
    """One thing to do differently.

    What a corner's exit loses on the straight after it belongs to the corner: `from_pct` to `to_pct` then reach over
    both.
    """

    key: str = Field(
        description="corner and cause, the same from lap to lap: `T5:brake_later`; without corners, `1250m:brake_later`"
    )
    corner: int | None = Field(
        description="the corner's number; null where the track's corners are not numbered yet, and for a straight on "
        "which no corner's exit was to blame"
    )
    corner_name: str | None
    cause: Cause
    at_pct: Share = Field(description="where to act, as part of the lap")
    at_m: float = Field(description="the same in metres from start/finish")
    from_pct: Share = Field(description="where the segments begin that it speaks of")
    to_pct: Share
    loss_s: float = Field(description="lost there on this lap, s")
    gain_s: float = Field(description="to be expected from doing it, s")
    gain_s_low: float = Field(description="lower bound of the gain, s")
    confidence: Share
    laps_seen: int = Field(description="laps, of those looked at, on which the loss was seen")
    laps_looked_at: int
    evidence: dict[str, tuple[float | None, float | None]] = Field(
        description="measured values, this lap's and the reference's; the unit ends the name"
    )
    text: str = Field(description="at most 12 words")


class Praise(WireModel):
    """Something that went well."""

    corner: int | None
    text: str
    gain_s: float = Field(description="gained against the driver's own usual, s")


class Coaching(WireModel):
    """The coach's word on one stored lap: at most three pieces of advice, or why there is none."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    lap_time: float | None
    driver_id: str | None
    created_at: datetime
    reference: Reference | None = None
    delta_s: float | None = Field(default=None, description="lap_time minus the reference's, s")
    advice: list[Advice] = Field(default_factory=list, max_length=3)
    praise: list[Praise] = Field(default_factory=list)
    silence: Silence | None = None
    silence_text: str | None = None
