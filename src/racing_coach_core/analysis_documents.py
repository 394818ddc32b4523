"""What was measured of a lap, and of two laps against one another: what `--json` prints and an API answers.

SI units, places in metres from start/finish along the lap; null is what the lap's channels do not tell. The numbers are
those of `racing_coach_analysis`, whose docstrings say how each is measured.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from racing_coach_core.coaching import ReferenceRule, Share
from racing_coach_core.frames import WireModel

type Seconds = Annotated[float, Field(description="s")]
type Metres = Annotated[float | None, Field(description="m from start/finish")]


class Document(WireModel):
    """Base of the documents; made from the analysis's dataclasses by their attributes."""

    model_config = ConfigDict(extra="ignore", frozen=True, from_attributes=True)


class BrakingDocument(Document):
    """What the brake pedal did on the way into a corner."""

    onset_m: Metres
    peak: float | None = Field(description="0 to 1")
    peak_m: Metres
    build_up_s: float | None
    release_m: Metres
    release_s: float | None
    release_jerk: float | None = Field(description="m/s³")
    trail_m: float | None = Field(description="braked while turning, m")
    trail_s: float | None
    deceleration: float | None = Field(description="m/s²")


class CorneringDocument(Document):
    """How the car went round a corner."""

    entry_speed: float | None = Field(description="m/s")
    min_speed: float | None = Field(description="m/s")
    min_speed_m: Metres
    apex_speed: float | None = Field(description="m/s")
    exit_speed: float | None = Field(description="m/s")
    turn_in_m: Metres
    apex_m: Metres
    lateral_peak: float | None = Field(description="m/s²")
    lateral_mean: float | None = Field(description="m/s²")
    steering_peak: float | None = Field(description="rad")
    reversals_per_s: float | None
    gear: int | None
    balance: float | None = Field(description="attitude velocity, rad/s")


class TractionDocument(Document):
    """What the throttle did through a corner and out of it."""

    flat_out: bool | None
    least_throttle: float | None = Field(description="0 to 1")
    pick_up_m: Metres
    full_m: Metres
    pick_up_to_full_s: float | None
    backed_off: float | None
    coast_s: float | None
    coast_m: float | None


class CornerMeasuresDocument(Document):
    """One corner of one lap."""

    number: int
    time_s: Seconds
    braking: BrakingDocument
    cornering: CorneringDocument
    traction: TractionDocument
    grip_used: float | None = Field(description="share of the car's envelope")
    excluded: str | None = Field(description="why it says nothing of how the corner was driven")


class StraightMeasuresDocument(Document):
    """One straight of one lap."""

    segment_index: int
    time_s: Seconds
    entry_speed: float | None = Field(description="m/s")
    top_speed: float | None = Field(description="m/s")
    exit_speed: float | None = Field(description="m/s")
    lift_s: float | None
    lift_m: Metres
    coast_s: float | None
    excluded: str | None


class SectorDocument(Document):
    """One sector of a lap."""

    number: int
    start_pct: Share
    end_pct: Share
    time_s: Seconds


class LapMeasuresDocument(Document):
    """All that is measured of one lap."""

    lap_time: Seconds
    corners: list[CornerMeasuresDocument]
    straights: list[StraightMeasuresDocument]
    sectors: list[SectorDocument]
    segment_times_s: list[float] = Field(description="corners and straights in driving order; they add up to lap_time")


class LapAnalysisDocument(Document):
    """An analysis of a stored lap: `racing-coach laps analyze --json`."""

    lap_id: UUID
    version: int
    status: Literal["done", "unusable", "failed"]
    reason: str | None = Field(description="why there is nothing, for programs")
    detail: str | None = Field(description="the same for people")
    track_id: str
    track_config_name: str | None
    track_map_revision: int | None = Field(description="the map it was measured by; null without one")
    car_id: str
    driver: str
    lap_time: float | None
    is_reference: bool = Field(description="whether other laps may be compared with it")
    is_wet: bool
    measures: LapMeasuresDocument | None
    created_at: datetime


class SegmentDocument(Document):
    """A stretch of the lap: a corner, or what lies between two."""

    index: int
    kind: Literal["corner", "straight"]
    corner_number: int | None
    start_pct: Share
    end_pct: Share
    apex_pct: Share | None


class SegmentDeltaDocument(Document):
    """What one segment lost; negative when it gained."""

    segment: SegmentDocument
    loss_s: Seconds
    entry_s: Seconds
    middle_s: Seconds
    exit_s: Seconds
    excluded: str | None


class LapComparisonDocument(Document):
    """A lap against another, or against the best of each segment: `racing-coach laps compare --json`."""

    lap_id: UUID
    reference_lap_id: UUID | None = Field(description="null for the theoretical best")
    rule: ReferenceRule | Literal["named", "theoretical"]
    lap_time: Seconds
    reference_lap_time: Seconds
    delta_s: float = Field(description="lap_time minus the reference's, s; what the segments lost adds up to it")
    segments: list[SegmentDeltaDocument]
    pct: list[float] = Field(
        description="places at which `delta` was taken, as part of the lap; empty for the theoretical best"
    )
    delta: list[float | None] = Field(description="how much later this lap was there, s; null in a gap of either lap")


class ChosenReferenceDocument(Document):
    """The lap with which a driver wants to be compared: `racing-coach references show --json`."""

    driver: str
    track_id: str
    track_config_name: str | None
    car_id: str
    lap_id: UUID
    lap_time: float | None
    chosen_at: datetime
