"""The line around a track, as a table over distance: where it is, where it heads, how it bends and climbs."""

from dataclasses import dataclass

import numpy as np

from racing_coach_rig.sources.simulation.arrays import Floats


@dataclass(frozen=True, slots=True)
class RacingLine:
    """The line around a track, sampled at equal steps of about a metre. The arrays are read-only.

    They have one point more than the lap has steps: the last point is the first one again, with the heading a
    full turn on.

    Attributes:
        distance: from the start/finish line, m.
        east, north: from the track's middle, m.
        heading: direction of travel, rad counter-clockwise from east, without jumps.
        curvature: change of heading over distance, 1/m, positive to the left.
        altitude: above sea level, m.
        grade: change of altitude over distance, positive uphill.
        bump_slope, bump_curvature: first and second derivative of the road's unevenness over distance.
        apexes: distance of the middle of every corner, m.
    """

    distance: Floats
    east: Floats
    north: Floats
    heading: Floats
    curvature: Floats
    altitude: Floats
    grade: Floats
    bump_slope: Floats
    bump_curvature: Floats
    apexes: Floats

    @property
    def length(self) -> float:
        """Length of a lap, m."""
        return float(self.distance[-1])

    @property
    def step(self) -> float:
        """Distance from point to point, m."""
        return float(self.distance[1])

    def at(self, values: Floats, distance: Floats) -> Floats:
        """One of this line's arrays at any distance, on earlier and later laps too."""
        return np.interp(np.mod(distance, self.length), self.distance, values)
