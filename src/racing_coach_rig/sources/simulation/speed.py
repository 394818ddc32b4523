"""Speed along the track, by the quasi-steady-state method: the highest speed each bend allows, then a pass forwards for
what the engine can do, then a pass backwards for what the brakes can do. See D. L. Brayshaw and M. F. Harrison, "A
quasi steady state approach to race car lap simulation in order to understand the effects of racing line and centre of
gravity location", Proc. IMechE Part D 219 (2005), and, for the two passes, A. Heilmeier et al., "Minimum curvature
trajectory planning and control for an autonomous race car", Vehicle System Dynamics 58 (2020),
https://doi.org/10.1080/00423114.2019.1631455. Speed is squared throughout, because over distance its square changes
evenly: d(v²)/ds = 2a.
"""

import math
from typing import NamedTuple

import numpy as np

from racing_coach_rig.sources.simulation.arrays import Floats
from racing_coach_rig.sources.simulation.car import CAR, GRAVITY


def tyre_grip(driven: Floats) -> Floats:
    """Grip of the tyres, as a share of their best, after a distance in m: first cold, later worn."""
    kilometres = np.maximum(driven, 0.0) / 1000
    cold = 0.03 * np.exp(-kilometres / 4)
    worn = 0.03 * (1 - np.exp(-kilometres / 250))
    return 1 - cold - worn


class Effort(NamedTuple):
    """Shares of the car's ability that a driver uses, point by point."""

    grip: Floats
    braking: Floats
    traction: float


def speed_squared(curvature: Floats, effort: Effort, step: float, reach: int) -> Floats:
    """Square of the speed that a driver reaches at every point of a line, m²/s².

    Before the first corner and after the last one the result is not to be relied on: nothing there says at
    what speed the car comes and goes.
    """
    limit = _corner_limit(curvature, effort.grip)
    points = [*zip(np.abs(curvature).tolist(), effort.grip.tolist(), effort.braking.tolist(), strict=True)]
    speeding = _speeding_up(limit, points, effort.traction, step)
    return _softened(np.array(_slowing_down(speeding, points, step)), reach)


def _corner_limit(curvature: Floats, grip: Floats) -> Floats:
    """Square of the speed at which a bend takes all the grip, or of the top speed where it never does.

    With friction μ, downforce c, curvature κ and share g, v²|κ| = g μ (G + c v²) is solved for v².
    """
    friction = grip * CAR.friction
    top = (CAR.power / CAR.drag) ** (2 / 3)
    bend = np.maximum(np.abs(curvature) - friction * CAR.downforce, friction * GRAVITY / top)
    limit: Floats = friction * GRAVITY / bend
    return limit


def _speeding_up(limit: Floats, points: list[tuple[float, float, float]], traction: float, step: float) -> list[float]:
    """The forward pass: no faster than engine and grip make the car from the point before."""
    squares: list[float] = limit.tolist()
    for index, (curvature, grip, _) in enumerate(points[:-1]):
        square = squares[index]
        drive = min(traction * _grip_left(square, curvature, grip), CAR.power / math.sqrt(square))
        faster = square + 2 * step * (drive - CAR.drag * square - CAR.rolling)
        squares[index + 1] = min(squares[index + 1], faster)
    return squares


def _slowing_down(squares: list[float], points: list[tuple[float, float, float]], step: float) -> list[float]:
    """The backward pass: no faster than brakes and grip can undo by the next point."""
    for index in range(len(points) - 2, -1, -1):
        square = squares[index + 1]
        curvature, grip, braking = points[index + 1]
        slowing = braking * _grip_left(square, curvature, grip) + CAR.drag * square + CAR.rolling
        squares[index] = min(squares[index], square + 2 * step * slowing)
    return squares


def _grip_left(square: float, curvature: float, share: float) -> float:
    """What cornering leaves of the friction circle for speeding up or slowing down, m/s²."""
    grip = share * CAR.friction * (GRAVITY + CAR.downforce * square)
    return math.sqrt(max(grip * grip - (square * curvature) ** 2, 0.0))


def _softened(squares: Floats, reach: int) -> Floats:
    """Let pedals move in no less than `2 reach` steps, without being faster anywhere.

    The least value within reach is taken first, and then a weighted mean of the same reach. Every value that
    goes into that mean is the least of a window that holds this point too, so the mean is nowhere above the
    speed it came from.
    """
    window = 2 * reach + 1
    least = np.lib.stride_tricks.sliding_window_view(np.pad(squares, reach, mode="edge"), window).min(axis=1)
    weights = np.hanning(window + 2)[1:-1]
    return np.convolve(np.pad(least, reach, mode="edge"), weights / weights.sum(), mode="valid")
