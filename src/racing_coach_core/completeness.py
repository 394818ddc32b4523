"""Whether a lap was driven whole, and on the track."""

from typing import Final

import numpy as np
import pyarrow as pa

from racing_coach_core.track_surface import TrackSurface

EDGE_PCT: Final = 0.01
"""How far from start/finish the first and the last frame of a whole lap may be, as part of the lap.

At 60 Hz and 100 m/s a frame is 1.7 m: 0.6 % of a 280 m oval, the shortest that is raced."""

MAX_GAP_PCT: Final = 0.05
"""The longest stretch without a frame in a whole lap; a network hiccup is shorter, a tow is not."""


def covers_lap(frames: pa.RecordBatch) -> bool:
    """Whether the frames run from start/finish to start/finish without a hole."""
    pct = frames.column("lap_distance_pct").to_numpy().astype(np.float64)
    if pct[0] > EDGE_PCT or pct[-1] < 1 - EDGE_PCT:
        return False
    return bool(np.all(np.abs(np.diff(pct)) <= MAX_GAP_PCT))


def stays_on_track(frames: pa.RecordBatch) -> bool:
    """Whether every frame that knows its surface is on track; frames that do not know count as on track."""
    surface = frames.column("track_surface").drop_null()
    return bool(np.all(surface.to_numpy() == TrackSurface.ON_TRACK))


def is_valid_lap(frames: pa.RecordBatch) -> bool:
    """Whether the lap counts: whole, and on track in every frame."""
    return covers_lap(frames) and stays_on_track(frames)
