"""One lap as a picture: where the car was fast, and what the driver did there."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

type Floats = npt.NDArray[np.float64]

SIZE_PX: Final = (1920, 1080)
"""Width and height of the picture."""

_DPI: Final = 120
_EARTH_RADIUS_M: Final = 6_371_008.8
_KMH: Final = 3.6
"""km/h in one m/s."""

_INK: Final = "#1c2430"
_FAINT: Final = "#6b7686"
_GRID: Final = "#e4e8ee"
_ASPHALT: Final = "#d3d8e0"
_BLUE: Final = "#2563c9"
_GREEN: Final = "#1f9d55"
_RED: Final = "#d93a3a"
_VIOLET: Final = "#7a4fc4"


def lap_picture(frames: pa.RecordBatch | pa.Table, path: Path, *, title: str) -> None:
    """Draw a lap as a PNG of `SIZE_PX`: the track by speed, and speed, pedals, gear and steering along it.

    Args:
        frames: canonical columns, at least one row. Where a channel has no values, or is not there at all,
            the picture says so. Without `lap_distance` the way is measured by `lap_distance_pct`.
        path: the file to write, in a folder that exists.
        title: the heading.
    """
    lap = _Columns(frames)
    figure = Figure(figsize=(SIZE_PX[0] / _DPI, SIZE_PX[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.03, 0.945, title, fontsize=19, fontweight="bold", color=_INK)
    figure.text(0.03, 0.908, _summary(lap), fontsize=11.5, color=_FAINT)
    _draw_map(figure, lap)
    grid = figure.add_gridspec(
        4, height_ratios=(2.1, 1.2, 0.9, 1.2), hspace=0.16, left=0.49, right=0.98, top=0.875, bottom=0.085
    )
    _draw_panels([figure.add_subplot(grid[row]) for row in range(4)], lap)
    figure.savefig(path, format="png", dpi=_DPI)


class _Columns:
    """A lap's channels as numbers."""

    def __init__(self, frames: pa.RecordBatch | pa.Table) -> None:
        self._table = frames if isinstance(frames, pa.Table) else pa.Table.from_batches([frames])
        self.rows: int = self._table.num_rows

    def __getitem__(self, name: str) -> Floats:
        """A channel's values, NaN where there is none."""
        if name not in self._table.column_names:
            return np.full(self.rows, np.nan)
        values: Floats = self._table.column(name).cast(pa.float64()).to_numpy()
        return values


def _summary(lap: _Columns) -> str:
    """The lap in one line."""
    kmh = _KMH * lap["speed"]
    parts = [
        f"{lap.rows:,} frames",
        f"top speed {np.nanmax(kmh):.0f} km/h",
        f"slowest {np.nanmin(kmh):.0f} km/h",
    ]
    distance = lap["lap_distance"]
    if np.isfinite(distance).any():
        parts.append(f"{np.nanmax(distance) / 1000:.2f} km")
    return "    ".join(parts)


# The map.


def _draw_map(figure: Figure, lap: _Columns) -> None:
    axes = figure.add_axes((0.02, 0.16, 0.41, 0.72))
    axes.set_axis_off()
    latitude, longitude = lap["latitude"], lap["longitude"]
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if not known.any():
        _say(axes, "No map: this lap has no latitude and longitude.")
        return
    points = _metres(latitude[known], longitude[known])
    axes.plot(*points.T, color=_ASPHALT, linewidth=11, solid_capstyle="round", solid_joinstyle="round")
    line = LineCollection(
        list(np.stack([points[:-1], points[1:]], axis=1)), cmap="turbo", linewidths=4.5, capstyle="round"
    )
    line.set_array(_KMH * lap["speed"][known][:-1])
    axes.add_collection(line)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.09)
    _draw_start(axes, points)
    bar = figure.colorbar(line, cax=figure.add_axes((0.09, 0.104, 0.27, 0.013)), orientation="horizontal")
    bar.set_label("speed, km/h", color=_FAINT)
    bar.ax.tick_params(colors=_FAINT, length=3)
    bar.ax.spines[:].set_visible(False)


def _metres(latitude: Floats, longitude: Floats) -> Floats:
    """East and north of the first point, m, one row a point: equirectangular, good for a few kilometres."""
    parallel = math.cos(math.radians(float(latitude[0])))
    east = np.radians(longitude - longitude[0]) * _EARTH_RADIUS_M * parallel
    north = np.radians(latitude - latitude[0]) * _EARTH_RADIUS_M
    return np.column_stack([east, north])


def _draw_start(axes: Axes, points: Floats) -> None:
    """A bar across the track where the lap starts, and outside of the track an arrow that way."""
    size = float(np.ptp(points, axis=0).max())
    start = points[0]
    ahead = points[np.argmax(np.hypot(*(points - start).T) > 0.02 * size)] - start
    length = float(np.hypot(*ahead))
    if length == 0:
        return  # The car did not move.
    ahead = ahead / length
    outwards = np.array([-ahead[1], ahead[0]])
    if np.dot(outwards, start - points.mean(axis=0)) < 0:
        outwards = -outwards
    bar = np.stack([start - 0.02 * size * outwards, start + 0.02 * size * outwards])
    axes.plot(*bar.T, color=_INK, linewidth=3.5, solid_capstyle="butt", zorder=5)
    tail = start + 0.045 * size * outwards
    head = tail + 0.13 * size * ahead
    arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 2.0, "mutation_scale": 18}
    axes.annotate("", xy=(head[0], head[1]), xytext=(tail[0], tail[1]), arrowprops=arrow, zorder=6)
    east, north = tail + 0.04 * size * outwards
    axes.text(float(east), float(north), "start / finish", color=_INK, fontsize=11, ha="center", va="center")


# The panels.


def _draw_panels(panels: Sequence[Axes], lap: _Columns) -> None:
    """Speed, pedals, gear and steering, one above the other."""
    way, unit = _way(lap)
    speed, pedals, gear, steering = panels
    _draw_line(speed, way, _KMH * lap["speed"], "speed\nkm/h", _BLUE)
    speed.fill_between(way, 0, _KMH * lap["speed"], color=_BLUE, alpha=0.08, linewidth=0)
    speed.set_ylim(bottom=0)
    _draw_pedals(pedals, way, lap)
    _draw_line(gear, way, lap["gear"], "gear", _VIOLET, step=True)
    _draw_line(steering, way, np.degrees(lap["steering_angle"]), "steering, °\nleft is up", _INK)
    steering.axhline(0, color=_FAINT, linewidth=0.8, zorder=1)
    first = float(np.nanmin(way))
    last = max(float(np.nanmax(way)), first + 1)
    for axes in panels:
        axes.set_xlim(first, last)
        axes.grid(visible=True, color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_FAINT, length=0, labelbottom=axes is steering)
        axes.spines[:].set_visible(False)
    steering.set_xlabel(unit, color=_FAINT)


def _way(lap: _Columns) -> tuple[Floats, str]:
    """How far into the lap every frame is, and in what."""
    distance = lap["lap_distance"]
    if np.isfinite(distance).all():
        return distance, "distance from start, m"
    return 100 * lap["lap_distance_pct"], "share of the lap, %"


def _draw_line(axes: Axes, way: Floats, values: Floats, name: str, colour: str, *, step: bool = False) -> None:
    _name(axes, name)
    if not np.isfinite(values).any():
        _say(axes, "This lap has no such channel.")
        axes.set_yticks([])
        return
    axes.plot(way, values, color=colour, linewidth=1.6, drawstyle="steps-post" if step else "default")
    if step:
        low, high = round(np.nanmin(values)), round(np.nanmax(values))
        axes.set_yticks(range(low, high + 1))
        axes.set_ylim(low - 0.6, high + 0.6)


def _draw_pedals(axes: Axes, way: Floats, lap: _Columns) -> None:
    _name(axes, "pedals\n%")
    for name, colour in (("throttle", _GREEN), ("brake", _RED)):
        values = 100 * lap[name]
        axes.plot(way, values, color=colour, linewidth=1.4, label=name)
        axes.fill_between(way, 0, values, color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(-4, 104)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, frameon=False, fontsize=9, borderaxespad=0)


def _name(axes: Axes, name: str) -> None:
    axes.set_ylabel(name, color=_INK)
    axes.yaxis.set_label_coords(-0.055, 0.5)


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=_FAINT, fontsize=11)
