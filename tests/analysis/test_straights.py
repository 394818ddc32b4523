"""On a straight: its speeds, lifts, and coasting."""

import pytest
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap

LENGTH, BEND = stadium()
TRACK = TrackMap(
    (Corner(1, None, 0.15, 0.2, 0.3, "left"), Corner(2, None, 0.6, 0.7, 0.8, "left")), LENGTH, "authored", 1
)
FROM, TO = 0.3 * LENGTH, 0.6 * LENGTH


STEADY = constant(50.0)


def between(speed=STEADY, **channels):
    lap = driven(LENGTH, BEND, speed=speed, hertz=240, **channels)
    return measure(trace(lap, length_m=LENGTH), TRACK).straights[1]


def test_speeds_and_time():
    found = between(points((FROM, 30), (TO - 100, 60), (TO, 40)))
    assert (found.segment_index, found.excluded) == (2, None)
    assert (found.entry_speed, found.top_speed, found.exit_speed) == pytest.approx((30, 60, 40), abs=0.3)
    assert between().time_s == pytest.approx((TO - FROM) / 50, abs=1e-3)


def test_a_lift_is_found_and_the_foot_on_its_way_to_the_brake_is_none():
    throttle = points((500, 1), (505, 0.4), (520, 0.4), (525, 1), (TO - 60, 1), (TO - 55, 0))
    found = between(throttle=throttle, brake=points((TO - 50, 0), (TO - 45, 1)))
    assert found.lift_m == pytest.approx(500.5, abs=1.5)
    assert found.lift_s == pytest.approx(24.2 / 50, abs=0.03)


def test_flat_out_is_no_lift():
    found = between(throttle=constant(1.0), brake=constant(0.0))
    assert (found.lift_s, found.lift_m, found.coast_s) == (0.0, None, 0.0)


def test_missing_pedals_are_missing_results():
    found = between()
    assert (found.lift_s, found.lift_m, found.coast_s) == (None, None, None)
