"""What the tables of a run show in their columns, on the terminal as in the page."""

from typing import Any, Final

_SHARES: Final = ("right_place", "right_cause", "silent", "cost_within", "fault_cost_within")

FAULTS: Final = (
    "stints",
    "right place",
    "right cause",
    "silent",
    "cost within",
    "fault alone",
    "bias, ms",
    "covered",
)
CORNERS: Final = ("track", "laps", "numbered", "corners", "maps alike", "laps a map", "apex off, m")


def of_faults(row: dict[str, Any]) -> list[str]:
    """The cells under `FAULTS`."""
    shares = [f"{100 * row[key]:.0f} %" for key in _SHARES]
    return [str(row["stints"]), *shares, f"{1000 * row['cost_bias_s']:+.0f}", f"{100 * row['covered']:.0f} %"]


def of_corners(row: dict[str, Any], *, at_most: str) -> list[str]:
    """The cells under `CORNERS`.

    Args:
        row: of one track.
        at_most: how the page says it.
    """
    counts = [str(row[name]) for name in ("laps", "numbered", "corners")]
    alike = f"{row['same']} of {row['maps']}"
    return [row["track"], *counts, alike, f"{at_most} {row['laps_a_map']}", f"{row['apex_off_m']:.1f}"]
