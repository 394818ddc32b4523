"""One lap as a picture: where the car was fast, and what the driver did there."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from racing_coach_demo.picture.columns import Columns
from racing_coach_demo.picture.panels import draw_panels
from racing_coach_demo.picture.style import FAINT, INK, KMH
from racing_coach_demo.picture.track_map import draw_map

SIZE_PX: Final = (1920, 1080)
"""Width and height of the picture."""

_DPI: Final = 120


def lap_picture(frames: pa.RecordBatch | pa.Table, path: Path, *, title: str) -> None:
    """Draw a lap as a PNG of `SIZE_PX`: the track by speed, and speed, pedals, gear and steering along it.

    Args:
        frames: canonical columns, at least one row. Where a channel has no values, or is not there at all,
            the picture says so. Without `lap_distance` the way is measured by `lap_distance_pct`.
        path: the file to write, in a folder that exists.
        title: the heading.
    """
    lap = Columns(frames)
    figure = Figure(figsize=(SIZE_PX[0] / _DPI, SIZE_PX[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.03, 0.945, title, fontsize=19, fontweight="bold", color=INK)
    figure.text(0.03, 0.908, _summary(lap), fontsize=11.5, color=FAINT)
    draw_map(figure, lap)
    grid = figure.add_gridspec(
        4, height_ratios=(2.1, 1.2, 0.9, 1.2), hspace=0.16, left=0.49, right=0.98, top=0.875, bottom=0.085
    )
    draw_panels([figure.add_subplot(grid[row]) for row in range(4)], lap)
    figure.savefig(path, format="png", dpi=_DPI)


def _summary(lap: Columns) -> str:
    """The lap in one line."""
    kmh = KMH * lap["speed"]
    parts = [
        f"{lap.rows:,} frames",
        f"top speed {np.nanmax(kmh):.0f} km/h",
        f"slowest {np.nanmin(kmh):.0f} km/h",
    ]
    distance = lap["lap_distance"]
    if np.isfinite(distance).any():
        parts.append(f"{np.nanmax(distance) / 1000:.2f} km")
    return "    ".join(parts)
