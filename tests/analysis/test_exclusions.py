"""Stretches that say nothing are left out, each with its reason."""

import numpy as np
import pytest
from tests.analysis.laps import changed, part
from tests.analysis.shapes import constant, driven, stadium

from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import trace

LENGTH, BEND = stadium()
LAP = driven(LENGTH, BEND, speed=constant(40.0))
PCT = LAP.channels["lap_distance_pct"]


def between(low, high):
    return np.clip(PCT, low, high) == PCT


def only(exclusions):
    assert len(exclusions) == 1
    return exclusions[0]


def test_a_clean_lap_has_nothing_to_leave_out():
    assert trace(LAP).exclusions == ()


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ({"track_surface": np.where(between(0.4, 0.42), 0, 3)}, Reason.OFF_TRACK),
        ({"track_surface": np.where(between(0.4, 0.42), -1, 3)}, Reason.TOW),
        ({"speed": np.where(between(0.4, 0.42), 0.5, 40.0)}, Reason.STANDSTILL),
        ({"yaw_rate": np.where(between(0.4, 0.42), 4.0, 0.1)}, Reason.SPIN),
        (
            {"velocity_x": np.full(len(PCT), 20.0), "velocity_y": np.where(between(0.4, 0.42), -30.0, 0.3)},
            Reason.SPIN,
        ),
    ],
)
def test_an_incident_is_left_out_with_the_way_back_to_speed(channels, reason):
    one = only(trace(changed(LAP, **channels), length_m=LENGTH).exclusions)
    assert one.reason is reason
    assert one.from_pct == pytest.approx(0.4 - 20 / LENGTH, abs=0.001)
    assert one.to_pct == pytest.approx(0.42 + 150 / LENGTH, abs=0.001)


@pytest.mark.parametrize(
    "channels", [{"on_pit_road": between(0.9, 0.99)}, {"track_surface": np.where(between(0.9, 0.99), 2, 3)}]
)
def test_a_lap_through_the_pit_lane_is_none(channels):
    with pytest.raises(NotALapError) as caught:
        trace(changed(LAP, **channels))
    assert caught.value.reason is Reason.PIT


def test_a_gap_is_left_out_and_not_filled():
    lap = part(LAP, ~between(0.50, 0.53))
    found = trace(lap)
    one = only(found.exclusions)
    assert one.reason is Reason.GAP
    assert (one.from_pct, one.to_pct) == pytest.approx((0.50, 0.53), abs=0.001)
    inside = (found.pct > one.from_pct) & (found.pct < one.to_pct)
    assert np.isnan(found.channels["speed"][inside]).all()
    assert np.isfinite(found.channels["speed"][~inside]).all()
    assert np.isnan(found.path.x_m[inside]).all()


def test_a_car_that_was_moved_was_towed():
    pct = PCT.copy()
    pct[700:] += 0.03
    one = only(trace(changed(LAP, lap_distance_pct=pct % 1.0)).exclusions)
    assert one.reason is Reason.TOW


def test_a_lap_mostly_off_the_track_is_none():
    with pytest.raises(NotALapError) as caught:
        trace(changed(LAP, track_surface=np.where(between(0.1, 0.8), 0, 3)))
    assert caught.value.reason is Reason.OFF_TRACK


def test_incidents_that_touch_are_one():
    surface = np.where(between(0.4, 0.41) | between(0.43, 0.44), 0, 3)
    one = only(trace(changed(LAP, track_surface=surface)).exclusions)
    assert one.to_pct > 0.5


def test_a_stretch_knows_why_it_says_nothing():
    found = trace(changed(LAP, track_surface=np.where(between(0.4, 0.42), 0, 3)))
    assert found.excluded(0.3, 0.41) is Reason.OFF_TRACK
    assert found.excluded(0.0, 0.3) is None
