"""The throttle is picked up where it was planted, and blips are no pick-up."""

import numpy as np
import pytest
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_analysis.traction import Traction

LENGTH, BEND = stadium()
TRACK = TrackMap(
    (Corner(1, None, 100 / LENGTH, 294 / LENGTH, 400 / LENGTH, "left"), Corner(2, None, 0.5, 0.7, 0.8, "left")),
    LENGTH,
    "authored",
    1,
)
BRAKE = points((120, 0), (125, 0.8), (200, 0.8), (210, 0))


def of(throttle, brake=BRAKE):
    lap = driven(LENGTH, BEND, speed=constant(40.0), throttle=throttle, brake=brake, hertz=240)
    return measure(trace(lap, length_m=LENGTH), TRACK).corners[0].traction


def test_pick_up_and_full_throttle_are_where_they_were_planted():
    found = of(points((110, 1), (115, 0), (300, 0), (350, 1)))
    assert found.pick_up_m == pytest.approx(305, abs=0.5)
    assert found.full_m == pytest.approx(347.5, abs=0.5)
    assert found.pick_up_to_full_s == pytest.approx(42.5 / 40, abs=0.05)
    assert found.backed_off == pytest.approx(0, abs=1e-9)
    assert found.flat_out is False
    assert found.least_throttle == pytest.approx(0, abs=1e-9)


def test_coasting_is_neither_pedal():
    found = of(points((110, 1), (115, 0), (300, 0), (350, 1)))
    before, behind = (115 - 0.25, 120 + 5 * 0.05 / 0.8), (210 - 10 * 0.05 / 0.8, 300 + 2.5)
    metres = before[1] - before[0] + behind[1] - behind[0]
    assert found.coast_m == pytest.approx(metres, abs=3)
    assert found.coast_s == pytest.approx(metres / 40, abs=0.08)


def test_the_blip_of_a_downshift_is_no_pick_up():
    blip = points((110, 1), (115, 0), (150, 0), (151, 0.5), (153, 0), (300, 0), (350, 1))
    assert of(blip).pick_up_m == pytest.approx(305, abs=0.5)


def test_a_throttle_taken_back_is_counted():
    found = of(points((110, 1), (115, 0), (300, 0), (320, 0.6), (330, 0.2), (360, 1)))
    assert found.backed_off == pytest.approx(0.4, abs=0.03)
    assert found.pick_up_m == pytest.approx(300 + 20 / 6, abs=1)


def test_a_lift_that_does_not_close_it_is_picked_up_from_its_least():
    found = of(points((250, 1), (280, 0.5), (300, 1)), brake=constant(0.0))
    assert found.pick_up_m == pytest.approx(280, abs=1)
    assert found.least_throttle == pytest.approx(0.5, abs=0.02)


def test_flat_out_has_no_pick_up():
    found = of(constant(1.0), brake=constant(0.0))
    assert found == Traction(flat_out=True, least_throttle=1.0, coast_s=0.0, coast_m=0.0)


def test_the_lift_for_the_next_corner_s_braking_is_not_this_corner_s():
    found = of(points((370, 1), (375, 0)), brake=points((380, 0), (382, 0.9), (480, 0)))
    assert found.flat_out is True


def test_a_corner_between_two_brakings_without_full_throttle_is_not_flat_out():
    pedals = {"throttle": points((110, 1), (115, 0), (330, 0), (345, 0.6), (370, 0.6), (375, 0))}
    brake = points((120, 0), (125, 0.8), (200, 0.8), (210, 0), (380, 0), (382, 0.9), (480, 0))
    found = of(pedals["throttle"], brake=brake)
    assert found.flat_out is False
    assert found.least_throttle == pytest.approx(0, abs=1e-9)


def test_a_throttle_that_is_not_opened_before_the_next_corner_is_not_picked_up():
    found = of(points((110, 1), (115, 0)))
    assert (found.pick_up_m, found.full_m) == (None, None)


def test_missing_channels_are_missing_results():
    lap = driven(LENGTH, BEND, speed=constant(40.0))
    assert measure(trace(lap, length_m=LENGTH), TRACK).corners[0].traction == Traction()
    lap = driven(LENGTH, BEND, speed=constant(40.0), throttle=points((110, 1), (115, 0), (300, 0), (350, 1)))
    found = measure(trace(lap, length_m=LENGTH), TRACK).corners[0].traction
    assert found.pick_up_m is not None
    assert (found.coast_s, found.coast_m) == (None, None)
    assert np.isfinite(found.pick_up_to_full_s)
