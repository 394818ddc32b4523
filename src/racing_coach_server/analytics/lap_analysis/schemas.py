"""What the analysis feature takes, keeps and returns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from pydantic import TypeAdapter

from racing_coach_analysis.lap import LapData
from racing_coach_analysis.measures import LapMeasures
from racing_coach_server.telemetry.schemas import StoredLap

VERSION: Final = 1
"""Of what is measured and how; a higher one measures anew what failed, and on demand everything."""

MEASURES: Final = TypeAdapter(LapMeasures)
"""Measures as JSON and back."""

type Values = dict[str, Any]
"""Columns of a `LapAnalysisRecord`."""

_WET: Final = 3
"""iRacing's `TrackWetness` from "very lightly wet" on; 0 is unknown, 1 dry, 2 mostly dry."""


@dataclass(frozen=True, slots=True)
class Combination:
    """What makes laps comparable: track and configuration, and the car."""

    track_id: str
    track_config_name: str
    """Empty for a track without configurations."""
    car_id: str

    @classmethod
    def of(cls, lap: StoredLap) -> "Combination":
        session = lap.session
        return cls(session.track_id, session.track_config_name or "", session.car_id)


@dataclass(frozen=True, slots=True)
class MeasuredLap:
    """A lap by one of its analyses."""

    lap_id: UUID
    created_at: datetime
    """Of the analysis."""


def driver_of(lap: StoredLap) -> str:
    """Who drove: the session's driver, else the rig."""
    return lap.driver


def identity_of(stored: StoredLap) -> Values:
    """What a lap's row says whatever is found in it."""
    where = Combination.of(stored)
    return {
        "lap_id": stored.lap_id,
        "version": VERSION,
        "status": "done",
        "track_id": where.track_id,
        "track_config_name": where.track_config_name,
        "car_id": where.car_id,
        "driver": driver_of(stored),
        "driven_at": stored.driven_at,
        "lap_time": stored.lap_time,
        "is_reference": False,
        "is_wet": False,
        "reason": None,
        "detail": None,
        "track_map_id": None,
        "analysis": None,
        "remembered": None,
    }


def is_wet(lap: LapData) -> bool:
    """Whether the track was wet at any time; a lap that does not tell counts as dry."""
    wetness = lap.channels.get("track_wetness")
    return wetness is not None and bool(np.nanmax(wetness) >= _WET)
