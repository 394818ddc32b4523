"""Coordinates in the plane, and the place of one lap on the path of another."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG R1)."""

LATERAL_WINDOW_M: Final = 12.0
"""Two lines over one track are at most this far apart; further off, a car is on another part of the track."""

ALONG_WINDOW_M: Final = 15.0
"""LapDistPct is this good at worst (7 m were measured), so the search for a place goes no further: a track that passes
itself has nothing of its other part within both windows."""

_ITERATIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Path:
    """A lap's way over the plane, at equal steps of LapDistPct from 0 to 1.

    Attributes:
        x_m, y_m: east and north of the origin, m; NaN where not known.
        latitude, longitude: the origin, degrees.
    """

    x_m: Floats
    y_m: Floats
    latitude: float
    longitude: float


def plane(latitude: Floats, longitude: Floats, at: tuple[float, float]) -> tuple[Floats, Floats]:
    """East and north of a point in metres, by the equirectangular projection about that point.

    Good to millimetres over a few kilometres (J. P. Snyder, "Map Projections: A Working Manual", USGS 1987, p. 90).

    Args:
        latitude: degrees.
        longitude: degrees.
        at: latitude and longitude of the origin, degrees.
    """
    parallel = EARTH_RADIUS_M * math.cos(math.radians(at[0]))
    x_m: Floats = np.radians(longitude - at[1]) * parallel
    y_m: Floats = np.radians(latitude - at[0]) * EARTH_RADIUS_M
    return x_m, y_m


def projected(pct: Floats, x_m: Floats, y_m: Floats, path: Path, length_m: float) -> Floats:
    """Refine places by dropping a perpendicular on another lap's path.

    From the place that LapDistPct gives, the offset of the car along the path's tangent is followed a few times
    (Newton's method for the foot of a perpendicular), which converges while the car is nearer to the path than the
    path's centre of curvature. Where the foot is further than the windows above, the place stays as it was.

    Args:
        pct: places by LapDistPct.
        x_m: where the car was, m east of the path's origin.
        y_m: likewise, m north.
        path: of the reference.
        length_m: of the lap.
    """
    grid = np.linspace(0.0, 1.0, len(path.x_m))
    step = length_m * grid[1]
    east, north = np.gradient(path.x_m, step), np.gradient(path.y_m, step)
    pace = np.hypot(east, north)
    pace[~(pace > 0)] = np.nan
    east, north = east / pace, north / pace
    place = pct
    for _ in range(_ITERATIONS):
        on_path = np.clip(place, 0.0, 1.0)
        cell = on_path / grid[1]
        base = np.minimum(cell.astype(np.intp), len(grid) - 2)
        share = cell - base
        off_x = x_m - (path.x_m[base] * (1 - share) + path.x_m[base + 1] * share)
        off_y = y_m - (path.y_m[base] * (1 - share) + path.y_m[base + 1] * share)
        along_x = east[base] * (1 - share) + east[base + 1] * share
        along_y = north[base] * (1 - share) + north[base + 1] * share
        along = (off_x * along_x + off_y * along_y) / length_m
        place = np.where(np.isfinite(along), on_path + along, pct)
    lateral = np.abs(off_x * along_y - off_y * along_x)
    good = (lateral <= LATERAL_WINDOW_M) & (np.abs(place - pct) * length_m <= ALONG_WINDOW_M)
    return np.where(good, place, pct)


def path_length(x_m: Floats, y_m: Floats) -> float:
    """Length of a polyline through the known points, m."""
    known = np.isfinite(x_m) & np.isfinite(y_m)
    return float(np.hypot(np.diff(x_m[known]), np.diff(y_m[known])).sum())
