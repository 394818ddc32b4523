"""What the driver did along the lap."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from racing_coach_demo.picture.columns import Columns, Floats
from racing_coach_demo.picture.style import BLUE, FAINT, GREEN, GRID, INK, KMH, RED, VIOLET, say


def draw_panels(panels: Sequence[Axes], lap: Columns) -> None:
    """Speed, pedals, gear and steering, one above the other."""
    way, unit = _way(lap)
    speed, pedals, gear, steering = panels
    _draw_line(speed, way, KMH * lap["speed"], "speed\nkm/h", BLUE)
    speed.fill_between(way, 0, KMH * lap["speed"], color=BLUE, alpha=0.08, linewidth=0)
    speed.set_ylim(bottom=0)
    _draw_pedals(pedals, way, lap)
    _draw_line(gear, way, lap["gear"], "gear", VIOLET, step=True)
    _draw_line(steering, way, np.degrees(lap["steering_angle"]), "steering, °\nleft is up", INK)
    steering.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    first = float(np.nanmin(way))
    last = max(float(np.nanmax(way)), first + 1)
    for axes in panels:
        axes.set_xlim(first, last)
        axes.grid(visible=True, color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=FAINT, length=0, labelbottom=axes is steering)
        axes.spines[:].set_visible(False)
    steering.set_xlabel(unit, color=FAINT)


def _way(lap: Columns) -> tuple[Floats, str]:
    """How far into the lap every frame is, and in what."""
    distance = lap["lap_distance"]
    if np.isfinite(distance).all():
        return distance, "distance from start, m"
    return 100 * lap["lap_distance_pct"], "share of the lap, %"


def _draw_line(axes: Axes, way: Floats, values: Floats, name: str, colour: str, *, step: bool = False) -> None:
    _name(axes, name)
    if not np.isfinite(values).any():
        say(axes, "This lap has no such channel.")
        axes.set_yticks([])
        return
    axes.plot(way, values, color=colour, linewidth=1.6, drawstyle="steps-post" if step else "default")
    if step:
        low, high = round(np.nanmin(values)), round(np.nanmax(values))
        axes.set_yticks(range(low, high + 1))
        axes.set_ylim(low - 0.6, high + 0.6)


def _draw_pedals(axes: Axes, way: Floats, lap: Columns) -> None:
    _name(axes, "pedals\n%")
    for name, colour in (("throttle", GREEN), ("brake", RED)):
        values = 100 * lap[name]
        axes.plot(way, values, color=colour, linewidth=1.4, label=name)
        axes.fill_between(way, 0, values, color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(-4, 104)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, frameon=False, fontsize=9, borderaxespad=0)


def _name(axes: Axes, name: str) -> None:
    axes.set_ylabel(name, color=INK)
    axes.yaxis.set_label_coords(-0.055, 0.5)
