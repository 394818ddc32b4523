"""A lap as JSON on the wire. By itself, for who reads other messages need not load what validates frames."""

from typing import Self
from uuid import UUID

from pydantic import model_validator

from racing_coach_core.exceptions import InvalidLapError
from racing_coach_core.frame_columns import columns_of
from racing_coach_core.frames import LapTelemetry, SessionFrame, WireModel
from racing_coach_core.validation import check_frames


class LapUploadRequest(WireModel):
    """A finished lap as JSON, on `.../rigs/{rig}/cars/{car}/laps`."""

    session: SessionFrame
    lap: LapTelemetry
    lap_id: UUID | None = None

    @model_validator(mode="after")
    def _is_a_lap(self) -> Self:
        if errors := check_frames(columns_of(self.lap.frames)):
            raise ValueError(str(InvalidLapError(errors)))
        return self
