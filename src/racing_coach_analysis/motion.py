"""How the car moves along a lap: worked out once, for all that is measured of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.trace import Trace

GRAVITY: Final = 9.80665
"""Standard gravity, m/s² (3rd General Conference on Weights and Measures, 1901)."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Accelerations and curvature on a trace's grid; None where the lap's channels do not tell.

    Attributes:
        curvature: of the driven line, rad/m, positive to the left.
        lateral: acceleration across, m/s², positive to the left: as measured, else v²κ.
        longitudinal: acceleration along, m/s²: as measured, else d(v²/2)/ds.
        dwell_s: how long the car was at each place of the grid, s.
    """

    curvature: Floats | None
    lateral: Floats | None
    longitudinal: Floats | None
    dwell_s: Floats


def motion_of(trace: Trace) -> Motion:
    """Work out how the car moves along a lap."""
    bend = curvature(trace)
    speed = trace.channels.get("speed")
    lateral = trace.channels.get("lateral_acceleration")
    if lateral is None and bend is not None and speed is not None:
        lateral = speed**2 * bend
    longitudinal = trace.channels.get("longitudinal_acceleration")
    if longitudinal is None and speed is not None:
        longitudinal = np.gradient(speed**2, trace.step_m) / 2
    return Motion(bend, lateral, longitudinal, np.gradient(trace.time_s))
