"""Whether corners keep their numbers and places whatever line is driven."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.coaching import base, tracks
from benchmarks.coaching.noise import LOOSE, varied, weaving
from benchmarks.coaching.place import landmarks
from benchmarks.coaching.record import recorded

from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.trace import trace
from racing_coach_rig.sources.read_file import read_file

LAPS_A_MAP: Final = 5
_ASIDE_M: Final = 0.5
_WIDEST_M: Final = 1.0


@dataclass(frozen=True, slots=True)
class Numbering:
    """Maps of one track, each found from other laps on other lines, beside the first one.

    Attributes:
        track: its id.
        laps: driven.
        corners: on the first map.
        same: how many of the maps have as many corners.
        maps: how many there are.
        apex_off_m: how far an apex lies from that of the first map at most, where the numbers are the same.
    """

    track: str
    laps: int
    corners: int
    same: int
    maps: int
    apex_off_m: float


def numbering(track: str, laps: int) -> Numbering:
    """Find a track's corners again and again, from laps up to a metre to either side of the usual line."""
    usual = base.simulated(tracks.track(track), base.driver(base.TUNE_DRIVERS[1]))
    corners, chance = landmarks(usual), np.random.default_rng([31, len(usual.place)])
    found = []
    for _ in range(laps // LAPS_A_MAP):
        driven = [
            weaving(varied(usual, corners, LOOSE, chance), _ASIDE_M, chance, widest=_WIDEST_M)
            for _ in range(LAPS_A_MAP)
        ]
        first = trace(LapData.of(recorded(driven[0], chance), driven[0].lap_time), length_m=usual.length)
        others = [trace(LapData.of(recorded(lap, chance), lap.lap_time), reference=first) for lap in driven[1:]]
        found.append([corner.apex_pct * usual.length for corner in find_corners([first, *others]).corners])
    alike = [apexes for apexes in found if len(apexes) == len(found[0])]
    off = max(float(np.abs(np.subtract(apexes, found[0])).max(initial=0.0)) for apexes in alike)
    return Numbering(track, LAPS_A_MAP * len(found), len(found[0]), len(alike), len(found), off)


def real_corners(path: Path) -> list[float]:
    """Where the corners of a recorded lap are, m."""
    lap = read_file(path).laps[0]
    columns = {name: lap.frames.column(name).to_numpy(zero_copy_only=False) for name in lap.frames.schema.names}
    numbers = {name: values.astype(float) for name, values in columns.items() if values.dtype.kind in "fiub"}
    numbers["session_time"] = columns["session_time"].astype(float)
    traced = trace(LapData.of(numbers, lap.lap_time))
    return [corner.apex_pct * traced.length_m for corner in find_corners([traced]).corners]
