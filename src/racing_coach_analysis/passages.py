"""The stretches of a lap that advice is about: each begins shortly before the reference slows down for a corner, and
ends where the next begins. Kinks that are taken flat out lie within the passage of the corner before them: what is lost
there was lost at that corner's exit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.analysed import Analysed
from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.track_map import Corner, TrackMap

_AHEAD_M: Final = 110.0
"""How long before the reference's slowing a passage begins: who brakes early or rolls does so here."""

_OF_STRAIGHT: Final = 0.35
"""How much of the way from the corner before at least belongs to that corner."""

_LEAST_LOSS: Final = 0.025
_LEAST_LOSS_MPS: Final = 1.0
"""How much slower the reference must get for a passage: as a share of speed, and at least this."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One slowing down and what follows from it, as indices of the coarse grid of the laps.

    Attributes:
        start: of the passage.
        peak: where the reference is fastest before the corner.
        slowest: where it is slowest.
        end: of the passage, the start of the next one.
        reach: up to where speed that is missing at the end costs time: where the reference slows down again.
    """

    start: int
    peak: int
    slowest: int
    end: int
    reach: int


def passages(reference: Analysed) -> tuple[Passage, ...]:
    """Cut a lap at the places where it begins to slow down. What lies before the first of them belongs to none: it was
    decided on the lap before.
    """
    speed = reference.channels["speed"]
    ahead = round(_AHEAD_M * reference.steps / reference.length_m)
    turns = _extremes(speed)
    starts = []
    for number, (peak, _) in enumerate(turns):
        before = turns[number - 1][1] if number else 0
        earliest = before + round(_OF_STRAIGHT * (peak - before)) if number else 0
        starts.append(max(peak - ahead, earliest))
    ends = [*starts[1:], reference.steps][: len(starts)]
    reaches = [*(peak for peak, _ in turns[1:]), reference.steps][: len(starts)]
    return tuple(
        Passage(start, peak, slowest, end, max(reach, end))
        for start, (peak, slowest), end, reach in zip(starts, turns, ends, reaches, strict=True)
        if end > slowest
    )


def _extremes(speed: Floats) -> list[tuple[int, int]]:
    """Pairs of a fastest place and the slowest one after it, with enough between them."""
    found: list[tuple[int, int]] = []
    values = np.where(np.isfinite(speed), speed, np.inf).tolist()
    high = low = 0
    falling = False
    for place, value in enumerate(values):
        enough = max(_LEAST_LOSS * values[high], _LEAST_LOSS_MPS)
        if falling:
            if value <= values[low]:
                low = place
            elif value > values[low] + max(_LEAST_LOSS * values[low], _LEAST_LOSS_MPS):
                found.append((high, low))
                falling, high = False, place
        elif value >= values[high]:
            high = place
        elif value < values[high] - enough:
            falling, low = True, place
    if falling:
        found.append((high, low))
    return found


def corner_at(track_map: TrackMap, pct: float, length_m: float) -> Corner | None:
    """The corner whose stretch a place lies in, else the one whose start or end is nearest along the lap."""

    def away(corner: Corner) -> float:
        if corner.start_pct <= corner.end_pct:
            inside = corner.start_pct <= pct <= corner.end_pct
        else:
            inside = pct >= corner.start_pct or pct <= corner.end_pct
        ends = [abs((pct - edge + 0.5) % 1.0 - 0.5) for edge in (corner.start_pct, corner.end_pct)]
        return 0.0 if inside else min(ends) * length_m

    return min(track_map.corners, key=away, default=None)
