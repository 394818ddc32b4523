"""All that the page of a lap shows, in one document: `/api/v1/laps/{lap_id}/view`, and the report.

Channels stand over place: value `i` of `n` is at the part `i / (n - 1)` of the lap, of both laps alike.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from racing_coach_core.analysis_documents import CornerMeasuresDocument, SegmentDeltaDocument
from racing_coach_core.coaching import Coaching, Share
from racing_coach_core.web_laps import LapRow, ReferenceChoice, WebDocument


class PackedColumn(WebDocument):
    """Numbers of one column: `value = raw * scale + offset`, and the lowest raw value stands for none."""

    dtype: Literal["int16", "int32"]
    scale: float
    offset: float
    data: str = Field(description="little endian, base64")


class GridDocument(WebDocument):
    """The places at which both laps were taken."""

    n: int = Field(description="how many, both ends of the lap included; at most 3,072")
    length_m: float = Field(description="of the lap, m")
    step_m: float


class ChannelPair(WebDocument):
    """One channel of both laps."""

    unit: str
    lap: PackedColumn | None
    reference: PackedColumn | None


class PackedPath(WebDocument):
    """A way over the plane, m east and north of a common origin."""

    x: PackedColumn
    y: PackedColumn


class ViewSegment(WebDocument):
    """A corner or straight, and what it lost; segments follow one another from line to line."""

    index: int
    kind: Literal["corner", "straight"]
    number: int | None = Field(description="of the corner; of a straight, null")
    name: str | None
    direction: Literal["left", "right"] | None
    start_pct: Share
    end_pct: Share
    apex_pct: Share | None


class ViewCorner(WebDocument):
    """One row of the corner by corner table."""

    number: int
    name: str | None
    direction: Literal["left", "right"] | None
    start_pct: Share
    apex_pct: Share
    end_pct: Share = Field(description="smaller than `start_pct` in the corner that the line crosses")
    lap: CornerMeasuresDocument | None
    reference: CornerMeasuresDocument | None = Field(description="null where it was not measured by this map")
    loss_s: float | None = Field(description="in the corner, against the reference; null without one")
    entry_s: float | None
    middle_s: float | None
    exit_s: float | None
    straight_s: float | None = Field(description="lost on the straight after it")
    excluded: str | None = Field(description="why the corner says nothing of how it was driven")


class ViewExclusion(WebDocument):
    """A stretch of the lap that is left out."""

    from_pct: Share
    to_pct: Share
    reason: str


class ViewReference(WebDocument):
    """What the lap is held against."""

    rule: Literal["chosen", "own_best", "car_best", "named", "theoretical"]
    lap: LapRow | None = Field(description="null for the theoretical best")
    lap_time: float = Field(description="s")


class LapView(WebDocument):
    """The page of a lap."""

    version: Literal[1] = 1
    lap: LapRow
    against: str = Field(description="what was asked for: coach, own_best, car_best, theoretical, none or a lap_id")
    reference: ViewReference | None
    no_reference: str | None = Field(description="for people: why there is none")
    references: list[ReferenceChoice] = Field(description="what can be chosen")
    grid: GridDocument | None = Field(
        description="null where the lap does not go from line to line; then no channels either"
    )
    no_grid: str | None = Field(description="for people: why there are no plots")
    channels: dict[str, ChannelPair] = Field(
        description="of speed, throttle, brake, steering_angle, gear, rpm, lateral_acceleration and "
        "longitudinal_acceleration those that either lap has"
    )
    time: ChannelPair | None = Field(description="s since the line")
    delta_s: PackedColumn | None = Field(description="how much later this lap was there, s")
    delta_total_s: float | None
    path: PackedPath | None
    reference_path: PackedPath | None
    segments: list[ViewSegment]
    deltas: list[SegmentDeltaDocument] = Field(description="what each segment lost; empty without a reference")
    corners: list[ViewCorner]
    exclusions: list[ViewExclusion]
    theoretical_laps: list[UUID] = Field(
        default_factory=list, description="of the theoretical best: for each segment, the lap that it is of"
    )
    coaching: Coaching | None
    coaching_missing: str | None = Field(description="for people: why there is no word of the coach")
