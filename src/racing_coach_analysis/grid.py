"""From samples to places: every channel at equal steps of the lap."""

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.reasons import Exclusion, Reason


class Grid:
    """Brings samples onto the grid: the neighbours of each place are looked up once for all channels."""

    def __init__(self, grid: Floats, pct: Floats, exclusions: tuple[Exclusion, ...]) -> None:
        self._before = np.clip(np.searchsorted(pct, grid, side="right") - 1, 0, len(pct) - 2)
        low, high = pct[self._before], pct[self._before + 1]
        self._reach = (grid - low) / (high - low)
        self._share = np.clip(self._reach, 0.0, 1.0)
        self._unknown = np.zeros(len(grid), dtype=np.bool_)
        for exclusion in exclusions:
            if exclusion.reason in {Reason.GAP, Reason.TOW}:
                self._unknown |= (grid > exclusion.from_pct) & (grid < exclusion.to_pct)

    def between(self, samples: Floats) -> Floats:
        """Values in between those of the two samples around each place; outermost ones hold to the line."""
        low = samples[self._before]
        return self._known(low + (samples[self._before + 1] - low) * self._share)

    def along(self, samples: Floats) -> Floats:
        """Coordinates: between the outermost samples and the line they go straight on."""
        low = samples[self._before]
        return self._known(low + (samples[self._before + 1] - low) * self._reach)

    def held(self, samples: Floats) -> Floats:
        """The value of the last sample before each place."""
        return self._known(samples[np.where(self._share >= 1.0, self._before + 1, self._before)])

    def _known(self, values: Floats) -> Floats:
        values[self._unknown] = np.nan
        return values
