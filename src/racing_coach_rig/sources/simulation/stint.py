"""The stint: what is handed on from lap to lap, and the channels that tell the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from racing_coach_core.channels import SAMPLE_RATE_HZ
from racing_coach_rig.sources.simulation.arrays import Columns
from racing_coach_rig.sources.simulation.samples import Samples

_BELOW_ONE: Final = float(np.nextafter(np.float32(1), np.float32(0)))
"""The greatest share of a lap that 32 bits tell from the whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known when a lap starts: times in s, -1 where there is none yet, as in iRacing."""

    started: float = 0.0
    last: float = -1.0
    best: float = -1.0

    def after(self, lap_time: float) -> "Standing":
        best = lap_time if self.best < 0 else min(self.best, lap_time)
        return Standing(self.started + lap_time, lap_time, best)


def clock(number: int, samples: Samples, standing: Standing, started_at: datetime, length: float) -> Columns:
    """Time and place within stint and lap.

    Args:
        number: of the lap, from 1.
        samples: of the lap.
        standing: when the lap starts.
        started_at: when the stint began, in UTC.
        length: of a lap, m.
    """
    rows = len(samples.tick)
    since_start = (samples.tick * 1_000_000 // SAMPLE_RATE_HZ).astype("timedelta64[us]")
    # The last sample may be so close to the line that its share of the lap would round to 1.
    pct = np.minimum(samples.distance / length, _BELOW_ONE)
    return {
        "timestamp": np.datetime64(started_at.replace(tzinfo=None), "us") + since_start,
        "session_time": samples.session_time,
        "lap_number": np.full(rows, number),
        "lap_distance_pct": pct,
        "lap_distance": samples.distance,
        "current_lap_time": samples.lap_clock,
        "last_lap_time": np.full(rows, standing.last),
        "best_lap_time": np.full(rows, standing.best),
    }
