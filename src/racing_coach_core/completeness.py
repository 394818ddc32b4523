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

_ON_TRACK: Final = int(TrackSurface.ON_TRACK)


def covers_lap(frames: pa.RecordBatch) -> bool:
    """Whether the frames run from start/finish to start/finish without a hole."""
    pct = frames.column("lap_distance_pct").to_numpy().astype(np.float64)
    if pct[0] > EDGE_PCT or pct[-1] < 1 - EDGE_PCT:
        return False
    steps = pct[1:] - pct[:-1]
    return bool(steps.max() <= MAX_GAP_PCT and steps.min() >= -MAX_GAP_PCT)


def stays_on_track(frames: pa.RecordBatch) -> bool:
    """Whether every frame that knows its surface is on track; frames that do not know count as on track."""
    surface = frames.column("track_surface")
    known = surface.drop_null() if surface.null_count else surface
    return bool((known.to_numpy() == _ON_TRACK).all())


def is_valid_lap(frames: pa.RecordBatch) -> bool:
    """Whether the lap counts: whole, and on track in every frame."""
    return covers_lap(frames) and stays_on_track(frames)
