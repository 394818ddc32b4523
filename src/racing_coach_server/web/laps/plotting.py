"""Two laps as columns over place, for plots and map."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.trace import CONTINUOUS, STEPPED, Trace
from racing_coach_core.channels import CHANNEL_BY_NAME
from racing_coach_core.web_views import ChannelPair, GridDocument, PackedColumn, PackedPath
from racing_coach_server.web.laps.packing import packed, packed_time, packed_whole

_MOST: Final = 3_072
"""Places, of which few screens show as many: 100 kB a lap. Of a longer one, every metre is in its columns."""

_NAMES: Final = tuple(name for name in (*CONTINUOUS, *STEPPED) if name != "yaw_rate")


@dataclass(frozen=True, slots=True)
class Plots:
    """What a `LapView` has of two laps' columns."""

    grid: GridDocument
    channels: dict[str, ChannelPair]
    time: ChannelPair
    delta_s: PackedColumn | None
    path: PackedPath | None
    reference_path: PackedPath | None


def plots(lap: Trace, reference: Trace | None, delta_s: Floats | None) -> Plots:
    """Put both on one grid, and pack them.

    Args:
        lap: on its reference's path, if it has one.
        reference: the lap that it is held against.
        delta_s: at the reference's places.
    """
    places = lap.pct if reference is None else reference.pct
    if len(places) > _MOST:
        places = np.linspace(0.0, 1.0, _MOST)
    length = lap.length_m if reference is None else reference.length_m
    channels = {
        name: ChannelPair(
            unit=CHANNEL_BY_NAME[name].unit,
            lap=_channel(lap, name, places),
            reference=_channel(reference, name, places),
        )
        for name in _NAMES
        if name in lap.channels or (reference is not None and name in reference.channels)
    }
    return Plots(
        grid=GridDocument(n=len(places), length_m=length, step_m=length / (len(places) - 1)),
        channels=channels,
        time=ChannelPair(
            unit="s",
            lap=packed_time(_at(places, lap, lap.time_s)),
            reference=None if reference is None else packed_time(_at(places, reference, reference.time_s)),
        ),
        delta_s=None if delta_s is None or reference is None else packed(_at(places, reference, delta_s)),
        path=_path(lap, places),
        reference_path=_path(reference, places),
    )


def _channel(lap: Trace | None, name: str, places: Floats) -> PackedColumn | None:
    if lap is None or name not in lap.channels:
        return None
    if name in STEPPED:
        index = np.minimum(np.searchsorted(lap.pct, places, side="right") - 1, len(lap.pct) - 1)
        return packed_whole(lap.channels[name][index])
    return packed(_at(places, lap, lap.channels[name]))


def _path(lap: Trace | None, places: Floats) -> PackedPath | None:
    if lap is None or lap.path is None:
        return None
    x, y = packed(_at(places, lap, lap.path.x_m)), packed(_at(places, lap, lap.path.y_m))
    return None if x is None or y is None else PackedPath(x=x, y=y)


def _at(places: Floats, lap: Trace, values: Floats) -> Floats:
    return values if len(places) == len(lap.pct) else np.interp(places, lap.pct, values)
