"""A simulated driver: laps to try everything with, no simulator and no recording needed.

A point-mass car laps a closed track as fast as grip, power and drag allow, and a driver uses a share of that
which differs from person to person, from corner to corner and from lap to lap. The speed along the track is
found by the quasi-steady-state method: the highest speed each bend allows, then a pass forwards for what the
engine can do, then a pass backwards for what the brakes can do. See D. L. Brayshaw and M. F. Harrison, "A
quasi steady state approach to race car lap simulation in order to understand the effects of racing line and
centre of gravity location", Proc. IMechE Part D 219 (2005), and, for the two passes, A. Heilmeier et al.,
"Minimum curvature trajectory planning and control for an autonomous race car", Vehicle System Dynamics 58
(2020), https://doi.org/10.1080/00423114.2019.1631455.

Every channel is derived from that speed and from the track's shape, so the channels agree with one another.
Axes and signs are iRacing's: x forwards, y left, z up, and angles right-handed about them. A left turn has
positive steering, yaw rate and lateral acceleration; roll is positive with the left side up, pitch with the
nose down. Yaw is counter-clockwise from east.

What is left out: all drivers take the same line, the car never slides, and hills do not slow it.
"""

import itertools
import math
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from racing_coach_core.channels import SAMPLE_RATE_HZ, TREAD_POSITIONS, WHEELS
from racing_coach_core.frames import SessionFrame, parse_timestamp
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap, frames_from_columns

type Floats = npt.NDArray[np.float64]
type Columns = dict[str, Floats | npt.NDArray[Any]]

GRAVITY: Final = 9.80665
"""Standard gravity, m/s²."""

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG R1); a track is small enough for a sphere."""

DEFAULT_TRACK: Final = "larchmoor"
DEFAULT_START: Final = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
"""When a stint starts unless told otherwise; not "now", so that the same seed gives the same laps."""


# The track: a polygon of straights, its corners rounded by arcs, eased into one smooth closed curve.


class Corner(NamedTuple):
    """Where two straights would meet, in metres east and north, and the radius of the arc that rounds it."""

    east: float
    north: float
    radius: float


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
    """Ease the polygon into a smooth curve, and measure that.

    The direction of travel is smoothed by a Gaussian along the track. That is done on its Fourier series,
    which closes the curve exactly and gives its derivatives without differences.
    """
    breaks, headings, middles = _polygon(track)
    count = round(4 * breaks[-1])
    spacing = breaks[-1] / count
    place = spacing * np.arange(count)
    wave = 2 * np.pi * np.fft.fftfreq(count, spacing)
    series = np.fft.fft(np.exp(1j * np.interp(place, breaks, headings)))
    series *= np.exp(-0.5 * (wave * track.easing) ** 2)
    # A curve closes when its direction has no mean. With that gone, any value does for the frequency zero.
    series[0], wave[0] = 0.0, 1.0
    position = np.fft.ifft(series / (1j * wave))
    direction = np.fft.ifft(series)
    bend = np.fft.ifft(series * 1j * wave)

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


# The car and its driver.


@dataclass(frozen=True, slots=True)
class Car:
    """What the car can do. Forces are per kilogram of car, so they are accelerations in m/s².

    Attributes:
        friction: of the tyres, as a share of the load on them.
        downforce: load per speed squared, 1/m.
        power: at the wheels, W/kg.
        drag: per speed squared, 1/m.
        rolling: resistance at any speed, m/s².
        engine_braking: with both pedals released, m/s².
        full_brake: deceleration asked for by the brake pedal at its end of travel, m/s².
        redline: engine speed at which the driver changes up, rev/min.
        gearing: engine speed over road speed in each gear, rev/min per m/s.
        wheelbase: m.
        steering_ratio: steering wheel angle over road wheel angle.
        understeer: further road wheel angle per lateral acceleration, rad per m/s².
    """

    friction: float = 1.6
    downforce: float = 1.0e-3
    power: float = 214.0
    drag: float = 4.0e-4
    rolling: float = 0.12
    engine_braking: float = 0.5
    full_brake: float = 23.0
    redline: float = 7150.0
    gearing: tuple[float, ...] = (196.0, 158.0, 130.0, 112.0, 100.0, 91.0)
    wheelbase: float = 2.7
    steering_ratio: float = 15.0
    understeer: float = 6.0e-4

    def grip(self, speed: Floats) -> Floats:
        """Radius of the friction circle at a speed, m/s²."""
        return self.friction * (GRAVITY + self.downforce * speed**2)

    def resistance(self, speed: Floats) -> Floats:
        """Deceleration by air and road at a speed, m/s²."""
        return self.drag * speed**2 + self.rolling


CAR: Final = Car()


@dataclass(frozen=True, slots=True)
class Driver:
    """Someone who drives. All but the name are from 0 to 1.

    Attributes:
        name: for people; a driver's better and worse corners come from it too.
        skill: share of the friction circle used on the average.
        braking: how late the brakes come: share of the grip left for slowing down that is used.
        traction: how early the throttle comes: share of the grip left for speeding up that is used.
        consistency: how alike a corner is from lap to lap; at 1 only the tyres make a difference.
    """

    name: str
    skill: float = 0.93
    braking: float = 0.9
    traction: float = 0.9
    consistency: float = 0.85


DRIVERS: Final[dict[str, Driver]] = {
    driver.name: driver
    for driver in (
        Driver("Ines Aubrac", skill=0.965, braking=0.95, traction=0.96, consistency=0.95),
        Driver("Tomas Velde", skill=0.95, braking=0.97, traction=0.86, consistency=0.75),
        Driver("Priya Raman", skill=0.94, braking=0.88, traction=0.95, consistency=0.92),
        Driver("Jonas Lindqvist", skill=0.92, braking=0.86, traction=0.88, consistency=0.82),
        Driver("Mara Okafor", skill=0.89, braking=0.80, traction=0.84, consistency=0.65),
        Driver("Bill Hartley", skill=0.85, braking=0.72, traction=0.78, consistency=0.50),
    )
}
"""Drivers to choose from, by name, the quickest first."""

_LEAST_GRIP: Final = 0.4
_MOST_GRIP: Final = 0.985
"""Nobody uses more than this share of the friction circle, so that the circle itself is never left."""

_HABIT_SPREAD: Final = 0.012
"""How much better or worse than usual a driver is at one corner: standard deviation, as a share."""

_LARGEST_SPREAD: Final = 0.06
"""How much the grip used in a corner differs from lap to lap without any consistency, likewise."""

_MOST_MISTAKES: Final = 0.06
"""How often a corner goes wrong without any consistency."""

_MISTAKE: Final = 0.12
"""Share of the grip that a corner gone wrong costs."""


# Speed along the track. It is squared, because over distance its square changes evenly: d(v²)/ds = 2a.


def _tyre_grip(driven: Floats) -> Floats:
    """Grip of the tyres, as a share of their best, after a distance in m: first cold, later worn."""
    kilometres = np.maximum(driven, 0.0) / 1000
    cold = 0.03 * np.exp(-kilometres / 4)
    worn = 0.03 * (1 - np.exp(-kilometres / 250))
    return 1 - cold - worn


class _Effort(NamedTuple):
    """Shares of the car's ability that a driver uses, point by point."""

    grip: Floats
    braking: Floats
    traction: float


def _speed_squared(curvature: Floats, effort: _Effort, step: float, reach: int) -> Floats:
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


# One lap, driven and sampled.


@dataclass(frozen=True, slots=True)
class _Drive:
    """One lap with half a lap before and after it, point by point.

    Attributes:
        distance: from the start of the lap, m; negative on the lap before.
        time: from the start of the lap, s.
        speed: m/s.
        lap_time: s.
    """

    distance: Floats
    time: Floats
    speed: Floats
    lap_time: float


@dataclass(frozen=True, slots=True)
class _Samples:
    """The car at 60 Hz, from shortly before the lap to shortly after it.

    Attributes:
        tick: samples since the stint began.
        lap_clock: since the start of the lap, s.
        distance: since the start of the lap, m.
        speed: m/s.
        acceleration: along the track, m/s².
        curvature: of the track, 1/m.
    """

    tick: npt.NDArray[np.int64]
    lap_clock: Floats
    distance: Floats
    speed: Floats
    acceleration: Floats
    curvature: Floats

    @property
    def session_time(self) -> Floats:
        return self.tick / SAMPLE_RATE_HZ

    @property
    def lateral(self) -> Floats:
        """Lateral acceleration, m/s²: v²κ."""
        return self.speed**2 * self.curvature

    @property
    def demand(self) -> Floats:
        """What engine or brakes must give, m/s²: the acceleration, and what air and road take."""
        return self.acceleration + CAR.resistance(self.speed)


_MARGIN_S: Final = 2.0
"""How much is sampled around a lap, so that rates and means at its ends are as good as inside it."""


def _sampled(drive: _Drive, line: RacingLine, started: float) -> _Samples:
    """Sample a lap that began `started` seconds into the stint.

    Between two points of the line the acceleration is constant, so speed is linear in time.
    """
    first = math.floor((started - _MARGIN_S) * SAMPLE_RATE_HZ)
    last = math.ceil((started + drive.lap_time + _MARGIN_S) * SAMPLE_RATE_HZ)
    tick = np.arange(first, last + 1)
    clock = tick / SAMPLE_RATE_HZ - started
    speed = np.interp(clock, drive.time, drive.speed)
    before = np.searchsorted(drive.time, clock, side="right") - 1
    since = clock - drive.time[before]
    distance = drive.distance[before] + since * (drive.speed[before] + speed) / 2
    slope = np.gradient(drive.speed**2, line.step) / 2
    return _Samples(
        tick=tick,
        lap_clock=clock,
        distance=distance,
        speed=speed,
        acceleration=np.interp(distance, drive.distance, slope),
        curvature=line.at(line.curvature, distance),
    )


def _rate(values: Floats) -> Floats:
    """Derivative of samples over time, per second."""
    return np.gradient(values) * SAMPLE_RATE_HZ


def _motion(samples: _Samples, track: Track) -> Columns:
    """Where the car is and how it moves. The point mass follows the line, so it has no velocity sideways."""
    line, distance, speed = track.line, samples.distance, samples.speed
    latitude, longitude = track.coordinates(line.at(line.east, distance), line.at(line.north, distance))
    return {
        "speed": speed,
        "velocity_x": speed,
        "velocity_y": np.zeros_like(speed),
        "velocity_z": speed * line.at(line.bump_slope, distance),
        "longitudinal_acceleration": samples.acceleration,
        "lateral_acceleration": samples.lateral,
        "vertical_acceleration": GRAVITY + speed**2 * line.at(line.bump_curvature, distance),
        "latitude": latitude,
        "longitude": longitude,
        "altitude": line.at(line.altitude, distance),
    }


_ROLL_GRADIENT: Final = 1.1e-3
"""Body roll per lateral acceleration, rad per m/s²: about 0.6 degrees per g, usual for a stiff racing car."""

_DIVE_GRADIENT: Final = 7.0e-4
"""Nose down per deceleration, rad per m/s²."""


def _attitude(samples: _Samples, line: RacingLine) -> Columns:
    """Which way the car points. It leans out of bends, dives under braking and follows the road's slope."""
    heading = line.at(line.heading, samples.distance)
    roll = _ROLL_GRADIENT * samples.lateral
    pitch = -np.arctan(line.at(line.grade, samples.distance)) - _DIVE_GRADIENT * samples.acceleration
    return {
        "yaw": np.arctan2(np.sin(heading), np.cos(heading)),
        "yaw_rate": samples.speed * samples.curvature,
        "roll": roll,
        "roll_rate": _rate(roll),
        "pitch": pitch,
        "pitch_rate": _rate(pitch),
    }


_BRAKE_BAR: Final = {"LF": 78.0, "RF": 77.5, "LR": 60.0, "RR": 60.5}
"""Brake line pressure with the pedal at its end of travel, bar. The front brakes do more."""


def _controls(samples: _Samples, tremor: Floats) -> Columns:
    """What the driver does with hands and feet, and what the engine makes of it.

    The road wheels turn by δ = L κ + K v²κ, with wheelbase L and understeer gradient K (T. D. Gillespie,
    "Fundamentals of Vehicle Dynamics", SAE 1992, chapter 6).
    """
    demand, speed = samples.demand, samples.speed
    brake = np.clip((-demand - CAR.engine_braking) / CAR.full_brake, 0.0, 1.0)
    road_wheel = CAR.wheelbase * samples.curvature + CAR.understeer * samples.lateral
    gear = _gears(speed)
    revs = speed * np.array(CAR.gearing)[gear - 1]
    return {
        "throttle": np.clip(1.01 * demand * speed / CAR.power, 0.0, 1.0),
        "brake": brake,
        "clutch": np.ones_like(speed),
        "steering_angle": CAR.steering_ratio * road_wheel + tremor,
        "gear": gear,
        "rpm": revs,
        **{f"{wheel.lower()}_brake_pressure": brake * bar for wheel, bar in _BRAKE_BAR.items()},
    }


def _gears(speed: Floats) -> npt.NDArray[np.int64]:
    """The gear at every sample: up at the redline, down when the lower gear stays a tenth below it."""
    up = CAR.redline / np.array(CAR.gearing[:-1])
    lowest = 1 + np.searchsorted(up, speed, side="right")
    highest = 1 + np.searchsorted(0.9 * up, speed, side="right")

    def shift(gear: int, allowed: tuple[int, int]) -> int:
        return min(max(gear, allowed[0]), allowed[1])

    allowed = zip(lowest.tolist(), highest.tolist(), strict=True)
    chosen = itertools.accumulate(allowed, shift, initial=int(lowest[0]))
    return np.array([*chosen][1:], dtype=np.int64)


_AIR_TEMP_C: Final = 21.5

_TREAD_C: Final = {
    ("L", "left"): -4.0,
    ("L", "middle"): 0.0,
    ("L", "right"): 5.0,
    ("R", "left"): 5.0,
    ("R", "middle"): 0.0,
    ("R", "right"): -4.0,
}
"""How much warmer a tyre is across its tread, °C, by side of the car: camber loads the inner edge most."""

_LOAD_MEAN_S: Final = 2.0
"""How long a tyre's tread remembers a bend."""


def _tyres(samples: _Samples, driven: Floats) -> Columns:
    """Temperature and wear of the tread. The side that is outside in a bend works harder.

    Tyres warm up within minutes, and by 0.9 °C more for every m/s² of a bend. Of their tread a third is worn
    after about 160 km.

    Args:
        samples: of the lap.
        driven: distance since the stint began, m.
    """
    warm_up = 1 - np.exp(-np.maximum(samples.session_time, 0.0) / 110.0)
    window = np.full(round(_LOAD_MEAN_S * SAMPLE_RATE_HZ), 1 / (_LOAD_MEAN_S * SAMPLE_RATE_HZ))
    columns: Columns = {}
    for wheel in WHEELS:
        side, axle = wheel
        outwards = -1.0 if side == "L" else 1.0
        load = np.convolve(np.maximum(outwards * samples.lateral, 0.0), window, mode="same")
        front = axle == "F"
        temperature = (38.0 if front else 36.0) + (44.0 if front else 47.0) * warm_up + 0.9 * load
        for position in TREAD_POSITIONS:
            camber = _TREAD_C[side, position]
            name = f"{wheel.lower()}_tire_{{}}_{position}"
            columns[name.format("temp")] = temperature + camber * warm_up
            columns[name.format("wear")] = np.exp(-(1 + 0.05 * camber) * driven / (4.0e5 if front else 4.6e5))
    return columns


_TRACK_DRY: Final = 1
_ON_TRACK: Final = 3
_FLAGS: Final = 0x1004_0000
"""As in iRacing's practice: `irsdk_servicible` (the car may be serviced) and `irsdk_startHidden`."""


def _surroundings(samples: _Samples) -> Columns:
    """A dry day that slowly changes, an open track, and a car that stays on it."""
    rows = len(samples.tick)
    hours = samples.session_time / 3600
    return {
        "air_temp": _AIR_TEMP_C + 1.5 * np.sin(hours),
        "track_temp": _AIR_TEMP_C + 9.0 + 4.0 * np.sin(hours),
        "track_wetness": np.full(rows, _TRACK_DRY),
        "session_flags": np.full(rows, _FLAGS),
        "track_surface": np.full(rows, _ON_TRACK),
        "on_pit_road": np.zeros(rows, dtype=np.bool_),
    }


# The stint.


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known when a lap starts: times in s, -1 where there is none yet, as in iRacing."""

    started: float = 0.0
    last: float = -1.0
    best: float = -1.0

    def after(self, lap_time: float) -> "_Standing":
        best = lap_time if self.best < 0 else min(self.best, lap_time)
        return _Standing(self.started + lap_time, lap_time, best)


_SESSIONS: Final = uuid.UUID("6f0d8c0e-5c0b-5d0a-9b43-3a4f0c1d7e52")
"""Namespace of the simulator's session ids."""

_TREMOR_HZ: Final = np.array([0.53, 0.97, 1.61, 2.29])
"""Frequencies at which a driver's hands move."""

_BELOW_ONE: Final = float(np.nextafter(np.float32(1), np.float32(0)))
"""The greatest share of a lap that 32 bits tell from the whole."""


class Simulator:
    """One driver's stint on one track, as a source of laps.

    The same arguments give the same laps, bit for bit.

    Args:
        seed: of everything that chance decides, at least 0.
        track: a key of `TRACKS`.
        driver: who drives; without one, the seed picks one of `DRIVERS`.
        car_id, car_name: as the session has them. Every car drives alike.
        session_id: without one, it follows from the other arguments.
        started_at: when the car first crosses the start/finish line, session time 0; without an offset it is
            UTC. `DEFAULT_START` when not given.

    Raises:
        KeyError: no such track.
    """

    def __init__(
        self,
        *,
        seed: int,
        track: str = DEFAULT_TRACK,
        driver: Driver | None = None,
        car_id: str = "sim-gt3",
        car_name: str = "Simulated GT3",
        session_id: uuid.UUID | None = None,
        started_at: datetime | None = None,
    ) -> None:
        self.track = TRACKS[track]
        self.driver = driver or [*DRIVERS.values()][seed % len(DRIVERS)]
        self._seed = seed
        self._started_at = parse_timestamp(started_at or DEFAULT_START)
        name = f"{seed}/{track}/{self.driver}/{car_id}/{car_name}/{self._started_at.isoformat()}"
        self.session = SessionFrame(
            timestamp=self._started_at,
            session_id=session_id or uuid.uuid5(_SESSIONS, name),
            track_id=self.track.id,
            track_name=self.track.name,
            track_config_name=self.track.config,
            car_id=car_id,
            car_name=car_name,
            session_type="Practice",
        )

    def laps(self, count: int | None = None) -> Iterator[Lap]:
        """Drive the stint from its first lap, `count` laps or for ever.

        Laps follow one another without a gap: session time, distance and speed go on from one to the next.
        """
        standing = _Standing()
        for number in itertools.count(1) if count is None else range(1, count + 1):
            drive = self._drive(number)
            frames = self._frames(number, drive, standing)
            yield Lap(lap_id_for(self.session.session_id, number), self.session, drive.lap_time, frames)
            standing = standing.after(drive.lap_time)

    def _drive(self, number: int) -> _Drive:
        """Drive one lap.

        Half a lap before it and half a lap after it are driven along, so that the speed at the line is what
        both laps make of it, whichever of them is asked for.
        """
        line = self.track.line
        steps = len(line.distance) - 1
        index = np.arange(-(steps // 2), steps + steps // 2 + 1)
        distance = line.step * index.astype(np.float64)
        effort = self._effort(number, distance)
        reach = max(1, round(self.track.easing / (3 * line.step)))
        speed = np.sqrt(_speed_squared(line.curvature[index % steps], effort, line.step, reach))
        time = np.cumsum(np.append(0.0, 2 * line.step / (speed[1:] + speed[:-1])))
        time -= time[steps // 2]
        return _Drive(distance, time, speed, lap_time=float(time[steps // 2 + steps]))

    def _effort(self, number: int, distance: Floats) -> _Effort:
        """What the driver makes of the car on and around a lap, from corner to corner."""
        line = self.track.line
        around = (number - 1, number, number + 1)
        grip, braking = np.concatenate([self._corners(lap) for lap in around], axis=1)
        apexes = np.concatenate([line.apexes - line.length, line.apexes, line.apexes + line.length])
        tyres = _tyre_grip((number - 1) * line.length + distance)
        return _Effort(
            grip=np.interp(distance, apexes, grip) * tyres,
            braking=np.interp(distance, apexes, braking),
            traction=self.driver.traction,
        )

    def _corners(self, number: int) -> Floats:
        """Shares of grip and of braking used at every corner of one lap: two rows."""
        driver, corners = self.driver, len(self.track.corners)
        person = zlib.crc32(driver.name.encode())
        habit = np.random.default_rng([person, zlib.crc32(self.track.id.encode())])
        chance = np.random.default_rng([self._seed, person, number])
        spread = _LARGEST_SPREAD * (1 - driver.consistency)
        grip, braking = _HABIT_SPREAD * habit.standard_normal((2, corners))
        grip += spread * chance.standard_normal(corners)
        braking += 2 * spread * chance.standard_normal(corners)
        grip -= np.where(chance.random(corners) < _MOST_MISTAKES * (1 - driver.consistency), _MISTAKE, 0.0)
        shares = np.stack([driver.skill * (1 + grip), driver.braking * (1 + braking)])
        return shares.clip(_LEAST_GRIP, _MOST_GRIP)

    def _tremor(self, session_time: Floats) -> Floats:
        """The small corrections of a driver's hands, rad at the steering wheel."""
        phases = np.random.default_rng([self._seed]).uniform(0, 2 * np.pi, len(_TREMOR_HZ))
        waves = np.sin(2 * np.pi * _TREMOR_HZ * session_time[:, np.newaxis] + phases)
        tremor: Floats = (0.003 + 0.01 * (1 - self.driver.consistency)) * waves.mean(axis=1)
        return tremor

    def _frames(self, number: int, drive: _Drive, standing: _Standing) -> pa.RecordBatch:
        line = self.track.line
        samples = _sampled(drive, line, standing.started)
        driven = np.maximum((number - 1) * line.length + samples.distance, 0.0)
        columns = {
            **self._clock(number, samples, standing),
            **_motion(samples, self.track),
            **_attitude(samples, line),
            **_controls(samples, self._tremor(samples.session_time)),
            **_tyres(samples, driven),
            **_surroundings(samples),
        }
        inside = (samples.lap_clock > 0) & (samples.lap_clock < drive.lap_time)
        rows = int(np.count_nonzero(inside))
        return frames_from_columns({name: values[inside] for name, values in columns.items()}, rows)

    def _clock(self, number: int, samples: _Samples, standing: _Standing) -> Columns:
        """Time and place within stint and lap."""
        rows = len(samples.tick)
        since_start = (samples.tick * 1_000_000 // SAMPLE_RATE_HZ).astype("timedelta64[us]")
        # The last sample may be so close to the line that its share of the lap would round to 1.
        pct = np.minimum(samples.distance / self.track.line.length, _BELOW_ONE)
        return {
            "timestamp": np.datetime64(self._started_at.replace(tzinfo=None), "us") + since_start,
            "session_time": samples.session_time,
            "lap_number": np.full(rows, number),
            "lap_distance_pct": pct,
            "lap_distance": samples.distance,
            "current_lap_time": samples.lap_clock,
            "last_lap_time": np.full(rows, standing.last),
            "best_lap_time": np.full(rows, standing.best),
        }


# Places that do not exist. The last is for tests: its laps take seconds.

TRACKS: Final[dict[str, Track]] = {
    track.id: track
    for track in (
        Track(
            id="larchmoor",
            name="Larchmoor Park",
            config="Grand Prix",
            latitude=47.2431,
            longitude=14.8127,
            altitude=676.0,
            relief=14.0,
            start=0.62,
            easing=24.0,
            corners=(
                Corner(485, 0, 85),
                Corner(430, -235, 130),
                Corner(690, -430, 62),
                Corner(550, -595, 70),
                Corner(285, -405, 120),
                Corner(95, -550, 105),
                Corner(-165, -485, 260),
                Corner(-360, -655, 110),
                Corner(-620, -550, 60),
                Corner(-515, -285, 140),
                Corner(-715, -105, 70),
                Corner(-655, 45, 75),
            ),
        ),
        Track(
            id="port-calder",
            name="Port Calder",
            config="Harbour Circuit",
            latitude=41.3702,
            longitude=2.1811,
            altitude=6.0,
            relief=2.0,
            start=0.4,
            corners=(
                Corner(430, 0, 32),
                Corner(410, 180, 30),
                Corner(600, 230, 38),
                Corner(560, 420, 34),
                Corner(250, 360, 160),
                Corner(-20, 470, 28),
                Corner(-60, 300, 30),
                Corner(-330, 330, 90),
                Corner(-560, 200, 24),
                Corner(-470, 90, 60),
                Corner(-560, -90, 26),
                Corner(-300, -30, 220),
            ),
        ),
        Track(
            id="heronsgate",
            name="Heronsgate",
            config="Full Circuit",
            latitude=52.5418,
            longitude=-1.0763,
            altitude=121.0,
            relief=9.0,
            start=0.55,
            easing=24.0,
            corners=(
                Corner(-700, 0, 150),
                Corner(-900, -330, 210),
                Corner(-640, -620, 90),
                Corner(-760, -860, 80),
                Corner(-420, -980, 180),
                Corner(-150, -720, 240),
                Corner(260, -900, 130),
                Corner(420, -560, 150),
                Corner(820, -640, 75),
                Corner(900, -330, 120),
                Corner(620, 0, 170),
            ),
        ),
        Track(
            id="pennywell",
            name="Pennywell",
            config="Kart Track",
            latitude=53.7192,
            longitude=-1.6318,
            altitude=88.0,
            relief=0.5,
            easing=5.0,
            corners=(
                Corner(46, 0, 13),
                Corner(40, -38, 15),
                Corner(8, -26, 17),
                Corner(-22, -42, 13),
                Corner(-42, -2, 14),
            ),
        ),
    )
}
"""The tracks, by id."""
