"""A lap as it comes in: channels, sample by sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from racing_coach_analysis.arrays import Floats

_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "lap_distance_pct": (-1.0, 2.0),
    "speed": (0.0, 200.0),
    "throttle": (-0.1, 1.1),
    "brake": (-0.1, 1.1),
}
_LIMIT: Final = 1e7
"""What a sensor can tell; seconds since a session began are the largest numbers. A value beyond is not known."""


@dataclass(frozen=True, slots=True)
class LapData:
    """The frames of one lap, column by column, in driving order.

    Attributes:
        channels: values by name, all of one length, in the units of docs/wire-format.md; a channel without any value
            is not there, NaN is a missing value. A place (`lap_distance_pct`, 0 to 1) and a clock (`session_time` or
            `current_lap_time`, s) are needed; each other channel that is there adds what can be said.
        lap_time: the official one, s, None when unknown.
    """

    channels: Mapping[str, Floats]
    lap_time: float | None = None

    @classmethod
    def of(cls, channels: Mapping[str, npt.ArrayLike], lap_time: float | None = None) -> "LapData":
        """Make a lap of any columns: numbers of any type, and flags. A missing value is NaN or None; a value that no
        sensor can tell is a missing one.

        Raises:
            ValueError: the columns differ in length, or one is not a column of numbers.
        """
        columns: dict[str, Floats] = {}
        lengths = set()
        for name, values in channels.items():
            column = np.array(values, dtype=np.float64)
            if column.ndim != 1:
                raise ValueError(f"{name} has {column.ndim} dimensions, not one")
            lengths.add(len(column))
            low, high = _LIMITS.get(name, (-_LIMIT, _LIMIT))
            known = (column >= low) & (column <= high)
            if known.any():
                columns[name] = np.where(known, column, np.nan)
        if len(lengths) > 1:
            raise ValueError("the channels differ in length")
        usable = lap_time is not None and np.isfinite(lap_time) and lap_time > 0
        return cls(columns, lap_time if usable else None)

    @property
    def frames(self) -> int:
        """How many samples there are."""
        return min((len(values) for values in self.channels.values()), default=0)
