"""The theoretical best as a lap to look at: of each segment the driver's best, one after another."""

from collections.abc import Sequence

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.trace import STEPPED, Trace
from racing_coach_analysis.track_map import Segment


def stitched(this: Trace, best: Sequence[Trace], segments: Sequence[Segment]) -> Trace:
    """A lap that nobody has driven.

    Time goes on from segment to segment; channels have a step where two laps meet, which were driven apart. There is no
    path: each lap has its own way from one segment to the next.

    Args:
        this: gives the places.
        best: for each segment, the lap that was the fastest in it.
        segments: in driving order, from line to line.
    """
    pct = this.pct
    time = np.zeros(len(pct))
    channels: dict[str, Floats] = {
        name: np.full(len(pct), np.nan) for name in this.channels if all(name in lap.channels for lap in best)
    }
    reached = 0.0
    for lap, segment in zip(best, segments, strict=True):
        inside = (pct >= segment.start_pct) & (pct <= segment.end_pct)
        places = pct[inside]
        began = lap.time_at(segment.start_pct)
        time[inside] = reached + np.interp(places, lap.pct, lap.time_s) - began
        for name, values in channels.items():
            values[inside] = _at(places, lap, name)
        reached += lap.time_at(segment.end_pct) - began
    time[-1] = reached
    return Trace(
        pct=pct,
        length_m=this.length_m,
        time_s=time,
        lap_time=reached,
        channels=channels,
        path=None,
        exclusions=(),
        refined=False,
    )


def _at(places: Floats, lap: Trace, name: str) -> Floats:
    values = lap.channels[name]
    if name not in STEPPED:
        return np.interp(places, lap.pct, values)
    return values[np.minimum(np.searchsorted(lap.pct, places, side="right") - 1, len(values) - 1)]
