"""Colours, and words where there is nothing to draw."""

from typing import Final

from matplotlib.axes import Axes

KMH: Final = 3.6
"""km/h in one m/s."""

INK: Final = "#1c2430"
FAINT: Final = "#6b7686"
GRID: Final = "#e4e8ee"
ASPHALT: Final = "#d3d8e0"
BLUE: Final = "#2563c9"
GREEN: Final = "#1f9d55"
RED: Final = "#d93a3a"
VIOLET: Final = "#7a4fc4"


def say(axes: Axes, words: str) -> None:
    """Words in the middle of an empty drawing."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=11)
