"""The envelope is what the car did, and a share of it is a share."""

import numpy as np
import pytest
from tests.analysis.laps import without
from tests.analysis.shapes import constant, driven, stadium

from racing_coach_analysis.envelope import envelope_of
from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap

LENGTH, BEND = stadium(radius=60.0)
TRACK = TrackMap((Corner(1, None, 220 / LENGTH, 0.25, 370 / LENGTH, "left"),), LENGTH, "authored", 1)


def at(speed):
    return trace(driven(LENGTH, BEND, speed=constant(speed)), length_m=LENGTH)


def test_the_limit_of_a_circle_is_its_lateral_acceleration():
    limit = envelope_of([at(35.0)]).limit
    assert limit[3, 4] == pytest.approx(35.0**2 / 60, rel=0.02)
    assert np.isnan(limit[[0, 1, 2, 5]]).all()


def test_grip_used_is_the_share_of_the_limit():
    envelope = envelope_of([at(35.0), at(32.0)])
    assert measure(at(35.0), TRACK, envelope=envelope).corners[0].grip_used == pytest.approx(1.0, abs=0.02)
    assert measure(at(32.0), TRACK, envelope=envelope).corners[0].grip_used == pytest.approx((32 / 35) ** 2, abs=0.02)


def test_a_speed_that_was_never_driven_has_no_share():
    assert measure(at(52.0), TRACK, envelope=envelope_of([at(35.0)])).corners[0].grip_used is None


def test_laps_that_tell_no_acceleration_have_no_envelope():
    bare = without(driven(LENGTH, BEND, speed=constant(35.0)), "latitude", "yaw_rate", "lateral_acceleration")
    assert envelope_of([trace(bare)]) is None
    assert envelope_of([]) is None
