"""What the splitter looks at."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from racing_coach_core.track_surface import TrackSurface

type Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class DriveFrames:
    """What the splitter looks at: arrays of equal length, one element a frame.

    Attributes:
        session_time: s since the session started.
        lap_number: the simulator's lap counter.
        lap_distance_pct: 0 to 1 of the lap; negative or NaN when the car is not in the world.
        track_surface: `irsdk_TrkLoc`, None where the simulator does not say.
        on_pit_road: None where the simulator does not say.
        is_driving: whether the player sits in the car on track (iRacing `IsOnTrack`), None where unknown.
        session: any number that is another one in another session, None for a single session.
    """

    session_time: Array
    lap_number: Array
    lap_distance_pct: Array
    track_surface: Array | None = None
    on_pit_road: Array | None = None
    is_driving: Array | None = None
    session: Array | None = None


ROW: Final = np.dtype(
    [
        ("time", np.float64),
        ("pct", np.float64),
        ("lap", np.int64),
        ("session", np.int64),
        ("surface", np.int16),
        ("in_pits", np.bool_),
        ("is_driving", np.bool_),
    ]
)
"""One frame, with what the simulator does not say filled in."""


def rows_of(frames: DriveFrames) -> Array:
    """The frames as one structured array, what is unknown filled with what changes nothing."""
    pct = np.asarray(frames.lap_distance_pct, np.float64)
    rows = np.empty(len(pct), ROW)
    rows["time"], rows["lap"] = frames.session_time, frames.lap_number
    rows["pct"] = np.where(np.isfinite(pct), pct, -1.0)
    rows["session"] = 0 if frames.session is None else frames.session
    rows["surface"] = TrackSurface.ON_TRACK if frames.track_surface is None else frames.track_surface
    in_pits = (rows["surface"] == TrackSurface.PIT_STALL) | (rows["surface"] == TrackSurface.APPROACHING_PITS)
    rows["in_pits"] = in_pits | (False if frames.on_pit_road is None else frames.on_pit_road)
    in_world = (rows["pct"] >= 0) & (rows["surface"] != TrackSurface.NOT_IN_WORLD)
    rows["is_driving"] = in_world & (True if frames.is_driving is None else frames.is_driving)
    return rows
