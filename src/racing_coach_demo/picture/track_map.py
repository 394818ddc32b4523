"""The track as the car drove it, coloured by speed."""

import math
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from racing_coach_demo.picture.columns import Columns, Floats
from racing_coach_demo.picture.style import ASPHALT, FAINT, INK, KMH, say

_EARTH_RADIUS_M: Final = 6_371_008.8


def draw_map(figure: Figure, lap: Columns) -> None:
    """Draw the map into the left of the figure, or say that the lap has no coordinates."""
    axes = figure.add_axes((0.02, 0.16, 0.41, 0.72))
    axes.set_axis_off()
    latitude, longitude = lap["latitude"], lap["longitude"]
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if not known.any():
        say(axes, "No map: this lap has no latitude and longitude.")
        return
    points = _metres(latitude[known], longitude[known])
    axes.plot(*points.T, color=ASPHALT, linewidth=11, solid_capstyle="round", solid_joinstyle="round")
    line = LineCollection(
        list(np.stack([points[:-1], points[1:]], axis=1)), cmap="turbo", linewidths=4.5, capstyle="round"
    )
    line.set_array(KMH * lap["speed"][known][:-1])
    axes.add_collection(line)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.09)
    _draw_start(axes, points)
    bar = figure.colorbar(line, cax=figure.add_axes((0.09, 0.104, 0.27, 0.013)), orientation="horizontal")
    bar.set_label("speed, km/h", color=FAINT)
    bar.ax.tick_params(colors=FAINT, length=3)
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
    axes.plot(*bar.T, color=INK, linewidth=3.5, solid_capstyle="butt", zorder=5)
    tail = start + 0.045 * size * outwards
    head = tail + 0.13 * size * ahead
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 2.0, "mutation_scale": 18}
    axes.annotate("", xy=(head[0], head[1]), xytext=(tail[0], tail[1]), arrowprops=arrow, zorder=6)
    east, north = tail + 0.04 * size * outwards
    axes.text(float(east), float(north), "start / finish", color=INK, fontsize=11, ha="center", va="center")
