"""Speeds, line and balance of a corner whose circle is known."""

import numpy as np
import pytest
from tests.analysis.laps import without
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.cornering import Cornering
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap

RADIUS = 60.0
LENGTH, BEND = stadium(radius=RADIUS)
MIDDLE = 200 + np.pi * RADIUS / 2
TRACK = TrackMap((Corner(1, "Loop", 180 / LENGTH, MIDDLE / LENGTH, 410 / LENGTH, None),), LENGTH, "authored", 1)
SPEED = points((0, 50), (180, 34), (270, 25), (410, 40), (LENGTH, 50))


def of(speed=SPEED, missing=(), bend=BEND, **channels):
    lap = without(driven(LENGTH, bend, speed=speed, hertz=240, **channels), *missing)
    return measure(trace(lap, length_m=LENGTH), TRACK).corners[0].cornering


def test_speeds_are_those_at_their_places():
    found = of()
    assert found.entry_speed == pytest.approx(34, abs=0.1)
    assert found.min_speed == pytest.approx(25, abs=0.1)
    assert found.min_speed_m == pytest.approx(270, abs=1)
    assert found.exit_speed == pytest.approx(40, abs=0.1)
    assert found.apex_speed == pytest.approx(25 + 15 * (MIDDLE - 270) / 140, abs=0.2)


def test_the_apex_is_the_middle_of_the_circle_wherever_the_car_is_slowest():
    assert of().apex_m == pytest.approx(MIDDLE, abs=1)
    assert of(speed=points((0, 50), (350, 25), (LENGTH, 50))).apex_m == pytest.approx(MIDDLE, abs=1)


def test_lateral_acceleration_is_that_of_the_circle():
    for missing in ((), ("lateral_acceleration",)):
        found = of(speed=constant(30.0), missing=missing)
        assert found.lateral_peak == pytest.approx(900 / RADIUS, rel=0.02)
        assert found.lateral_mean == pytest.approx(900 / RADIUS, rel=0.05)


def test_turn_in_is_where_the_wheel_turns():
    wheel = points((195, 0.0), (215, 0.5), (370, 0.5), (390, 0.0))
    found = of(steering_angle=wheel)
    assert found.turn_in_m == pytest.approx(195 + 0.2 * 20, abs=1.5)
    assert found.steering_peak == pytest.approx(0.5, abs=0.01)


def test_turn_in_without_a_steering_channel_is_that_of_the_line():
    assert of().turn_in_m == pytest.approx(200, abs=10)


def test_reversals_are_counted_beyond_a_dead_band():
    def wheel(place):
        return 0.3 + 0.1 * np.sin(2 * np.pi * (place - 180) / 46) + 0.001 * np.sin(place)

    found = of(speed=constant(40.0), steering_angle=wheel)
    assert found.reversals_per_s == pytest.approx(2 * 40 / 46, rel=0.15)


def test_the_gear_is_that_at_the_apex():
    assert of(gear=lambda place: np.where(place < 280, 3.0, np.where(place < 330, 2.0, 4.0))).gear == 2


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["left", "right"])
def test_balance_is_yaw_rate_beyond_that_of_the_path_into_the_corner(side):
    def bend(place):
        return side * BEND(place)

    lap = driven(LENGTH, bend, speed=constant(30.0))
    rotating = LapData({**lap.channels, "yaw_rate": lap.channels["yaw_rate"] * 1.1})
    neutral, loose = (
        measure(trace(one, length_m=LENGTH), TRACK).corners[0].cornering.balance for one in (lap, rotating)
    )
    assert neutral == pytest.approx(0, abs=1e-6)
    assert loose == pytest.approx(0.1 * 30 / RADIUS, rel=0.02)


def test_balance_is_not_told_below_a_quarter_of_a_g():
    assert of(speed=constant(12.0)).balance is None


def test_what_the_channels_do_not_tell_is_none():
    bare = of(missing=("latitude", "longitude", "yaw_rate", "lateral_acceleration"))
    assert bare.min_speed is not None
    assert bare == Cornering(
        entry_speed=bare.entry_speed,
        min_speed=bare.min_speed,
        min_speed_m=bare.min_speed_m,
        apex_speed=bare.apex_speed,
        exit_speed=bare.exit_speed,
    )
    assert of(missing=("speed", "yaw_rate", "lateral_acceleration")).min_speed is None
