"""A track's corners as a file: what `racing-coach tracks import` reads and `tracks export` writes."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from racing_coach_core.frames import WireModel
from racing_coach_core.wire_types import Identifier, Text

type LapFraction = Annotated[float, Field(ge=0, lt=1)]
"""A place as part of the lap: 0 is start/finish."""


class CornerDocument(WireModel):
    """One corner. `end` is smaller than `start` in the corner that start/finish lies in."""

    number: int = Field(ge=1, le=999)
    name: Text | None = None
    start: LapFraction
    apex: LapFraction
    end: LapFraction
    direction: Literal["left", "right"] | None = None

    @property
    def length(self) -> float:
        """From start to end, as part of the lap."""
        return (self.end - self.start) % 1.0

    @model_validator(mode="after")
    def _apex_lies_inside(self) -> Self:
        if not 0 < (self.apex - self.start) % 1.0 < self.length:
            raise ValueError(f"corner {self.number}: its apex must lie between its start and its end")
        return self


class TrackMapDocument(WireModel):
    """The corners of one track and configuration, in driving order from start/finish."""

    track_id: Identifier
    track_config_name: Text | None = None
    length_m: float | None = Field(default=None, gt=0, lt=100_000, description="of one lap, m")
    source: Literal["authored", "found"] = "authored"
    corners: list[CornerDocument] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _corners_follow_one_another(self) -> Self:
        numbers = [corner.number for corner in self.corners]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two corners have the same number")
        if any(before.apex >= after.apex for before, after in pairwise(self.corners)):
            raise ValueError("the corners must stand in driving order, by their apexes")
        if sum(corner.length for corner in self.corners) > 1:
            raise ValueError("the corners are longer than the lap")
        # The last corner may reach over start/finish, up to the first one.
        for before, after in pairwise([*self.corners, self.corners[0]]):
            if len(self.corners) > 1 and (after.start - before.start) % 1.0 < before.length:
                raise ValueError(f"corners {before.number} and {after.number} overlap")
        return self
