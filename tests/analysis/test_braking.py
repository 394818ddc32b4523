"""Braking is found where it was planted."""

import numpy as np
import pytest
from tests.analysis.laps import without
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.braking import Braking
from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap

LENGTH, BEND = stadium()  # bends from 200 m to 388.5 m and from 788.5 m to 977 m
TRACK = TrackMap(
    (
        Corner(1, None, 180 / LENGTH, 294 / LENGTH, 400 / LENGTH, "left"),
        Corner(2, None, 770 / LENGTH, 883 / LENGTH, 990 / LENGTH, "left"),
    ),
    LENGTH,
    "authored",
    1,
)
SPEED = points((0, 50), (120, 50), (240, 30), (300, 30), (600, 50), (800, 30), (900, 30), (LENGTH, 50))
BRAKE = points((120, 0.0), (130, 0.8), (180, 0.8), (240, 0.0))


def brakings(brake=BRAKE, speed=SPEED, missing=(), track=TRACK):
    lap = without(driven(LENGTH, BEND, speed=speed, brake=brake, hertz=240), *missing)
    return [corner.braking for corner in measure(trace(lap, length_m=LENGTH), track).corners]


def test_onset_peak_and_release_are_where_they_were_planted():
    first, second = brakings()
    assert first.onset_m == pytest.approx(120 + 10 * 0.05 / 0.8, abs=0.5)
    assert first.peak == pytest.approx(0.8, abs=0.01)
    assert 129 <= first.peak_m <= 181
    assert first.release_m == pytest.approx(240 - 60 * 0.05 / 0.8, abs=0.5)
    assert (second.onset_m, second.release_m, second.peak) == (None, None, 0.0)


def test_build_up_and_release_take_the_time_between_their_places():
    first, _ = brakings(speed=constant(40.0))
    assert first.build_up_s == pytest.approx((10 * (0.72 - 0.05) / 0.8) / 40, abs=0.03)
    assert first.release_s == pytest.approx((60 * (0.72 - 0.05) / 0.8) / 40, abs=0.05)


def test_trail_braking_is_braking_while_the_car_turns():
    first, _ = brakings(speed=constant(40.0))
    assert first.trail_m == pytest.approx(240 - 3.75 - 200, abs=2)
    assert first.trail_s == pytest.approx(first.trail_m / 40, abs=0.02)


def test_deceleration_is_that_of_the_speed_where_no_channel_tells():
    speed = points((0, 50), (120, 50), (240, 30), (LENGTH, 30))
    first, _ = brakings(speed=speed)
    assert first.deceleration == pytest.approx(50 * 20 / 120, rel=0.02)


def test_braking_is_looked_for_up_to_250_m_before_the_corner_and_not_before_the_last_apex():
    late = TrackMap(
        (Corner(1, None, 420 / LENGTH, 440 / LENGTH, 460 / LENGTH, "left"), TRACK.corners[1]), LENGTH, "authored", 1
    )
    near, _ = brakings(points((175, 0.0), (180, 0.5), (240, 0.0)), track=late)
    far, _ = brakings(points((140, 0.0), (145, 0.5), (155, 0.0)), track=late)
    assert near.onset_m == pytest.approx(175.5, abs=1)
    assert far.onset_m is None


def test_braking_behind_the_apex_is_the_next_corner_s():
    first, second = brakings(points((380, 0.0), (385, 0.9), (420, 0.0)))
    assert first.onset_m is None
    assert first.peak == 0.0
    assert second.onset_m is None or second.onset_m > 380


def test_braking_may_begin_before_the_apex_of_the_corner_before():
    """A kink on the way into a corner: what counts is before which apex the middle of the braking lies."""
    kink = TrackMap(
        (
            Corner(1, None, 100 / LENGTH, 130 / LENGTH, 160 / LENGTH, "left"),
            Corner(2, None, 180 / LENGTH, 290 / LENGTH, 400 / LENGTH, "left"),
        ),
        LENGTH,
        "authored",
        1,
    )
    first, second = brakings(points((118, 0.0), (120, 0.1), (160, 0.7), (230, 0.7), (240, 0.0)), track=kink)
    assert (first.onset_m, first.peak) == (None, pytest.approx(0.05, abs=0.05))
    assert second.onset_m == pytest.approx(119, abs=0.5)
    assert second.release_m == pytest.approx(239.3, abs=0.5)


def test_a_last_corner_with_its_apex_behind_the_line_takes_no_other_s_braking():
    late = TrackMap((TRACK.corners[0], Corner(2, None, 0.97, 0.01, 0.03, "left")), LENGTH, "authored", 1)
    first, last = brakings(track=late)
    assert first.onset_m == pytest.approx(120.6, abs=0.5)
    assert (last.onset_m, last.peak) == (None, 0.0)


def test_braking_that_lasts_beyond_the_apex_is_measured_to_its_end():
    first, _ = brakings(points((120, 0), (125, 0.8), (300, 0.8), (340, 0)))
    assert first.release_m == pytest.approx(337.5, abs=0.5)


def test_two_applications_close_together_are_one_and_the_hardest_counts():
    brake = points((80, 0), (82, 0.2), (90, 0), (130, 0), (132, 0.7), (150, 0), (155, 0), (157, 0.7), (200, 0))
    first, _ = brakings(brake)
    assert first.onset_m == pytest.approx(130.2, abs=0.5)
    assert first.release_m > 190


def test_a_pedal_that_was_down_before_has_no_onset():
    first, _ = brakings(points((0, 0.6), (100, 0.6), (200, 0.0)))
    assert first.onset_m is None
    assert first.build_up_s is None
    assert first.peak == pytest.approx(0.6)


def test_no_brake_channel_is_no_braking_measures():
    lap = driven(LENGTH, BEND, speed=SPEED)
    assert measure(trace(lap, length_m=LENGTH), TRACK).corners[0].braking == Braking()


def test_no_lateral_acceleration_is_no_trail_braking():
    first, _ = brakings(missing=("lateral_acceleration", "yaw_rate", "latitude", "longitude"))
    assert first.trail_m is None
    assert first.trail_s is None
    assert first.onset_m is not None


def test_the_faster_release_has_the_larger_jerk():
    quick = points((0, 50), (120, 50), (230, 30), (235, 30), (LENGTH, 30))
    brake_quick = points((120, 0), (122, 0.8), (228, 0.8), (230, 0))
    brake_slow = points((120, 0), (122, 0.8), (150, 0.8), (230, 0))
    slow = points((0, 50), (120, 50), (150, 42), (190, 35), (230, 32), (LENGTH, 32))
    fast_release, _ = brakings(brake_quick, quick)
    slow_release, _ = brakings(brake_slow, slow)
    assert fast_release.release_jerk > 2 * slow_release.release_jerk > 0
    assert np.isfinite(fast_release.release_jerk)
