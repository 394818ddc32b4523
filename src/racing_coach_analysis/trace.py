"""A lap over place: every channel at every metre of the track, and when the car was there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.exclusions import exclusions_of
from racing_coach_analysis.geometry import Path, path_length, plane, projected
from racing_coach_analysis.grid import Grid
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.place import Samples, advancing, samples_of
from racing_coach_analysis.reasons import Exclusion, NotALapError, Reason
from racing_coach_analysis.timing import official, on_the_clock

CONTINUOUS: Final = (
    "speed",
    "throttle",
    "brake",
    "steering_angle",
    "lateral_acceleration",
    "longitudinal_acceleration",
    "yaw_rate",
    "rpm",
)
"""Channels that a trace has, values between samples in between."""

STEPPED: Final = ("gear",)
"""Channels that hold their value until the next sample."""

_LENGTHS_M: Final = (50.0, 100_000.0)
"""Lap lengths that can be, from a rental kart hall to twice the longest rally stage."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One lap on a grid of places.

    The arrays are read-only and have one value for each of the equal steps of about a metre from the line (0) to the
    line (1), both ends included. Place is LapDistPct, refined by the reference's path where `refined`.

    Attributes:
        pct: the grid, 0 to 1.
        length_m: of the lap, m.
        time_s: since the line, s; 0 at the start and `lap_time` at the end, increasing. In a gap it is straight
            between the gap's ends: nobody knows more.
        lap_time: s; the official one where it fits the measured one.
        channels: by name, see `CONTINUOUS` and `STEPPED`; NaN where not known, and in gaps.
        path: the way over the plane, None without coordinates.
        exclusions: what to leave out, in driving order.
        refined: whether places were refined by projection on the reference's path.
    """

    pct: Floats
    length_m: float
    time_s: Floats
    lap_time: float
    channels: Mapping[str, Floats]
    path: Path | None
    exclusions: tuple[Exclusion, ...]
    refined: bool

    @property
    def step_m(self) -> float:
        """From one place of the grid to the next, m."""
        return self.length_m / (len(self.pct) - 1)

    def index(self, pct: float) -> int:
        """The nearest place of the grid."""
        return min(max(round(pct * (len(self.pct) - 1)), 0), len(self.pct) - 1)

    def time_at(self, pct: float) -> float:
        """When the car was at a place, s since the line."""
        return float(np.interp(pct, self.pct, self.time_s))

    def value_at(self, channel: str, pct: float) -> float | None:
        """A channel's value at a place, None where it is not known."""
        values = self.channels.get(channel)
        if values is None:
            return None
        value = float(np.interp(pct, self.pct, values))
        return value if np.isfinite(value) else None

    def excluded(self, from_pct: float, to_pct: float) -> Reason | None:
        """The first reason why a stretch says nothing, None when it does."""
        for exclusion in self.exclusions:
            if exclusion.from_pct < to_pct and exclusion.to_pct > from_pct:
                return exclusion.reason
        return None


def trace(lap: LapData, *, length_m: float | None = None, reference: Trace | None = None) -> Trace:
    """Put a lap on a grid of places.

    Place is LapDistPct; where this lap and the reference have coordinates, it is refined by projection on the
    reference's path. Crossings of the line are interpolated from speed, and time is scaled to the official lap time.

    Args:
        lap: as recorded.
        length_m: of the track; without it the reference's, else what the lap itself tells: its own distance channel,
            the integral of speed, the way between coordinates, the first of these that it has.
        reference: the lap to compare with, or any other lap of the same track that fixes what is where.

    Raises:
        NotALapError: this is not one lap from line to line on the track.
    """
    samples = samples_of(lap)
    length = length_m or (reference.length_m if reference else None) or _length_of(lap, samples)
    if not _LENGTHS_M[0] <= length <= _LENGTHS_M[1]:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, f"{length:.0f} m is no length of a lap")
    exclusions = exclusions_of(lap, samples, length)

    origin = reference.path if reference else None
    coordinates = _coordinates(lap, samples, origin)
    pct, keep = samples.pct, np.ones(len(samples.pct), dtype=np.bool_)
    if coordinates is not None and origin is not None:
        pct = projected(pct, *coordinates[:2], origin, length)
        keep = advancing(pct)
    measured, time = on_the_clock(lap, samples, pct, keep, length)
    lap_time = official(lap.lap_time, measured)

    grid = np.linspace(0.0, 1.0, round(length) + 1)
    onto = Grid(grid, pct[keep], exclusions)
    channels = {
        name: onto.between(lap.channels[name][samples.index[keep]]) for name in CONTINUOUS if name in lap.channels
    }
    channels |= {name: onto.held(lap.channels[name][samples.index[keep]]) for name in STEPPED if name in lap.channels}
    path = None
    if coordinates is not None:
        x_m, y_m, latitude, longitude = coordinates
        path = Path(onto.along(x_m[keep]), onto.along(y_m[keep]), latitude, longitude)
    time_s = np.interp(grid, *time) * (lap_time / measured)
    time_s[0], time_s[-1] = 0.0, lap_time
    for array in (grid, time_s, *channels.values(), *((path.x_m, path.y_m) if path else ())):
        array.setflags(write=False)
    return Trace(grid, length, time_s, lap_time, channels, path, exclusions, path is not None and origin is not None)


def _length_of(lap: LapData, samples: Samples) -> float:
    span = samples.pct[-1] - samples.pct[0]
    if "lap_distance" in lap.channels:
        along = lap.channels["lap_distance"][samples.index]
        far = (samples.pct > 0.1) & (samples.pct < 1.0) & np.isfinite(along)  # noqa: PLR2004 - near the line it is 0 by 0
        if far.any():
            return float(np.median(along[far] / samples.pct[far]))
    if "speed" in lap.channels:
        speed = lap.channels["speed"][samples.index]
        known = np.isfinite(speed)
        if known.any():
            return float(np.trapezoid(speed[known], samples.time_s[known]) / span)
    coordinates = _coordinates(lap, samples, None)
    if coordinates is not None:
        return path_length(*coordinates[:2]) / float(span)
    raise NotALapError(Reason.MISSING_CHANNELS, "nothing tells how long the lap is: no speed, distance or coordinates")


def _coordinates(lap: LapData, samples: Samples, origin: Path | None) -> tuple[Floats, Floats, float, float] | None:
    if "latitude" not in lap.channels or "longitude" not in lap.channels:
        return None
    latitude, longitude = lap.channels["latitude"][samples.index], lap.channels["longitude"][samples.index]
    known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    if not len(known):
        return None
    at = (origin.latitude, origin.longitude) if origin else (float(latitude[known[0]]), float(longitude[known[0]]))
    return *plane(latitude, longitude, at), *at
