"""A track: a polygon of straights, its corners rounded by arcs, eased into one smooth closed curve."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from racing_coach_rig.sources.simulation.arrays import Floats
from racing_coach_rig.sources.simulation.line import RacingLine

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG R1); a track is small enough for a sphere."""

type _Curve = npt.NDArray[np.complex128]
"""Points of the plane as complex numbers: the real part is east, the imaginary part north."""


class Corner(NamedTuple):
    """Where two straights would meet, in metres east and north, and the radius of the arc that rounds it."""

    east: float
    north: float
    radius: float


@dataclass(frozen=True)
class Track:
    """A closed track.

    Attributes:
        id, name, config: as a `SessionFrame` has them.
        latitude, longitude: of the track's middle, degrees.
        altitude: mean height above sea level, m.
        corners: in driving order from the start/finish line, in any frame of metres.
        start: where on the straight from the last corner to the first the line is, 0 to 1 of that straight.
        easing: how gently bends begin and end: standard deviation of the smoothing along the track, m.
        relief: how far the track rises above and falls below its mean altitude, m.
    """

    id: str
    name: str
    config: str
    latitude: float
    longitude: float
    altitude: float
    corners: tuple[Corner, ...] = field(repr=False)
    start: float = 0.5
    easing: float = 12.0
    relief: float = 8.0

    @cached_property
    def line(self) -> RacingLine:
        """The line that every driver takes; worked out at first use."""
        return _racing_line(self)

    def coordinates(self, east: Floats, north: Floats) -> tuple[Floats, Floats]:
        """Latitude and longitude, in degrees, of places given in metres from the track's middle.

        The projection is equirectangular about the middle, good to millimetres over a few kilometres.
        """
        parallel = EARTH_RADIUS_M * math.cos(math.radians(self.latitude))
        return (
            self.latitude + np.degrees(north / EARTH_RADIUS_M),
            self.longitude + np.degrees(east / parallel),
        )


def _polygon(track: Track) -> tuple[Floats, Floats, Floats]:
    """The track's straights and arcs before easing, from the start/finish line on.

    Returns:
        Distances at which straights and arcs begin and end, m; the headings there, rad, linear in between;
        and the distances of the middles of the arcs, m.

    Raises:
        ValueError: a straight is too short for the arcs at its ends.
    """
    points = np.array([complex(corner.east, corner.north) for corner in track.corners])
    radius = np.array([corner.radius for corner in track.corners])
    arriving = points - np.roll(points, 1)
    turn = np.angle(np.roll(arriving, -1) / arriving)
    tangent = radius * np.tan(np.abs(turn) / 2)
    straight = np.abs(arriving) - tangent - np.roll(tangent, 1)
    if np.any(straight < 0):
        number = int(np.argmin(straight)) + 1
        raise ValueError(f"{track.name}: the straight to corner {number} is too short for the arcs at its ends")
    arc = radius * np.abs(turn)
    before_line = track.start * straight[0]
    ends = np.cumsum(np.stack([straight, arc], axis=1)) - before_line
    headings = np.angle(arriving[0]) + np.cumsum(np.stack([np.zeros_like(turn), turn], axis=1))
    return (
        np.concatenate([[0.0], ends, [ends[-1] + before_line]]),
        np.concatenate([headings[:1], headings, headings[-1:]]),
        ends[1::2] - arc / 2,
    )


def _racing_line(track: Track) -> RacingLine:
    """Ease the polygon into a smooth curve, and measure that."""
    breaks, headings, middles = _polygon(track)
    count = round(4 * breaks[-1])
    spacing = breaks[-1] / count
    place = spacing * np.arange(count)
    position, direction, bend = _eased(np.interp(place, breaks, headings), spacing, track.easing)

    pace = np.abs(direction)
    measured = spacing * np.concatenate([[0.0], np.cumsum((pace + np.roll(pace, -1)) / 2)])
    distance = np.linspace(0.0, measured[-1], round(measured[-1]) + 1)

    def resampled(values: Floats, turn: float = 0.0) -> Floats:
        closed: Floats = np.append(values, values[0] + turn)
        return np.interp(distance, measured, closed)

    altitude, grade = _hills(track, distance)
    bump_slope, bump_curvature = _bumps(distance)
    line = RacingLine(
        distance=distance,
        east=resampled(position.real),
        north=resampled(position.imag),
        heading=resampled(np.unwrap(np.angle(direction)), headings[-1] - headings[0]),
        curvature=resampled((np.conj(direction) * bend).imag / pace**3),
        altitude=altitude,
        grade=grade,
        bump_slope=bump_slope,
        bump_curvature=bump_curvature,
        apexes=np.interp(middles, np.append(place, breaks[-1]), measured),
    )
    for name in RacingLine.__slots__:
        getattr(line, name).setflags(write=False)
    return line


def _eased(headings: Floats, spacing: float, easing: float) -> tuple[_Curve, _Curve, _Curve]:
    """The closed curve that goes in a direction of travel smoothed by a Gaussian along the track.

    That is done on the direction's Fourier series, which closes the curve exactly and gives its derivatives
    without differences.

    Args:
        headings: rad, at equal steps all the way round.
        spacing: length of a step, m.
        easing: standard deviation of the Gaussian, m.

    Returns:
        The curve, m, and its first and second derivative over the way along the headings.
    """
    wave = 2 * np.pi * np.fft.fftfreq(len(headings), spacing)
    series = np.fft.fft(np.exp(1j * headings))
    series *= np.exp(-0.5 * (wave * easing) ** 2)
    # A curve closes when its direction has no mean. With that gone, any value does for the frequency zero.
    series[0], wave[0] = 0.0, 1.0
    return np.fft.ifft(series / (1j * wave)), np.fft.ifft(series), np.fft.ifft(series * 1j * wave)


def _hills(track: Track, distance: Floats) -> tuple[Floats, Floats]:
    """Altitude in m, and its derivative over distance: one long hill and a shorter one."""
    once = 2 * np.pi / distance[-1]
    altitude = 0.7 * np.sin(once * distance) + 0.3 * np.sin(2 * once * distance + 1.0)
    grade = once * (0.7 * np.cos(once * distance) + 0.6 * np.cos(2 * once * distance + 1.0))
    return track.altitude + track.relief * altitude, track.relief * grade


def _bumps(distance: Floats) -> tuple[Floats, Floats]:
    """First and second derivative over distance of the road's unevenness: waves of 9 to 30 m, half a mm each.

    Their phases grow with the square of their number, so that they nowhere pile up (M. R. Schroeder,
    "Synthesis of low-peak-factor signals and binary sequences with low autocorrelation", IEEE Transactions on
    Information Theory 16 (1970)).
    """
    length = distance[-1]
    rounds = np.unique(np.linspace(length / 30, length / 9, 24).round())
    wave = (2 * np.pi / length * rounds)[:, np.newaxis]
    phase = np.pi * np.arange(len(rounds))[:, np.newaxis] ** 2 / len(rounds)
    height = 5e-4
    slope = height * wave * np.cos(wave * distance + phase)
    curvature = -height * wave**2 * np.sin(wave * distance + phase)
    return slope.sum(axis=0), curvature.sum(axis=0)
