"""A lap on a grid of places: exact on straights and circles, on the official clock."""

import numpy as np
import pytest
from tests.analysis.laps import changed, on_another_line, part, simulated, without
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.lap import LapData
from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import trace

LENGTH, BEND = stadium()
LAP = driven(LENGTH, BEND, speed=constant(40.0), throttle=points((0, 0), (LENGTH, 1)))


def test_the_grid_reaches_from_line_to_line_in_steps_of_a_metre():
    found = trace(LAP)
    assert found.pct[0] == 0
    assert found.pct[-1] == 1
    assert found.step_m == pytest.approx(1.0, abs=0.001)
    assert found.time_s[0] == 0
    assert found.time_s[-1] == found.lap_time == LAP.lap_time


def test_time_and_channels_are_those_of_the_place():
    found = trace(LAP)
    assert found.time_s == pytest.approx(found.pct * LENGTH / 40, abs=1e-6)
    assert found.channels["throttle"][:-1] == pytest.approx(found.pct[:-1], abs=1e-3)
    assert found.time_at(0.25) == pytest.approx(LENGTH / 160)
    assert found.value_at("throttle", 0.25) == pytest.approx(0.25)
    assert found.value_at("brake", 0.25) is None


@pytest.mark.parametrize("missing", [(), ("speed",)])
def test_length_comes_from_speed_else_from_coordinates(missing):
    assert trace(without(LAP, *missing)).length_m == pytest.approx(LENGTH, rel=1e-4)


def test_length_comes_from_the_distance_where_there_is_one():
    assert trace(simulated()).length_m == pytest.approx(3695.56, abs=0.01)


def test_a_length_that_is_given_counts_and_then_the_reference_s():
    assert trace(LAP, length_m=1200.0).length_m == 1200.0
    assert trace(LAP, reference=trace(LAP, length_m=1200.0)).length_m == 1200.0


def test_nothing_that_tells_the_length_is_a_reason():
    with pytest.raises(NotALapError) as caught:
        trace(without(LAP, "speed", "latitude", "longitude"))
    assert caught.value.reason is Reason.MISSING_CHANNELS


@pytest.mark.parametrize("hertz", [10.0, 30.0, 60.0, 120.0, 360.0])
def test_crossings_of_the_line_are_interpolated(hertz):
    """The last sample may be a whole tick before the line: counting samples would be off by up to that."""
    lap = driven(LENGTH, BEND, speed=points((0, 30), (LENGTH / 2, 50), (LENGTH, 30)), hertz=hertz)
    untimed = LapData(lap.channels)
    assert trace(untimed).lap_time == pytest.approx(lap.lap_time, abs=1e-3)


def test_samples_around_the_line_give_the_crossing_itself():
    lap = driven(LENGTH, BEND, speed=constant(40.0))
    pct = (lap.channels["lap_distance_pct"] + 0.9995) % 1.0
    found = trace(LapData({**lap.channels, "lap_distance_pct": pct}))
    assert found.lap_time == pytest.approx(LENGTH / 40, abs=1e-3)


def test_time_is_scaled_to_the_official_lap_time():
    found = trace(LapData(LAP.channels, LAP.lap_time + 0.03))
    assert found.time_s[-1] == found.lap_time == LAP.lap_time + 0.03
    assert found.time_at(0.5) == pytest.approx((LAP.lap_time + 0.03) / 2, abs=1e-6)


def test_the_lap_time_of_another_lap_is_not_taken():
    assert trace(LapData(LAP.channels, LAP.lap_time + 1.5)).lap_time == pytest.approx(LAP.lap_time, abs=1e-3)


def test_gears_are_held_until_they_change():
    lap = driven(LENGTH, BEND, speed=constant(40.0), gear=lambda place: np.where(place < 500, 3.0, 4.0))
    assert set(trace(lap).channels["gear"]) == {3.0, 4.0}


def test_a_place_is_refined_by_the_path_of_the_reference():
    """LapDistPct of another line is metres off; the time at each place is not, once it was projected."""
    base = simulated()
    reference = trace(base)
    other = on_another_line(base, "larchmoor", seed=4, spread_m=1.5)
    wrong = 4.0 / reference.length_m * np.sin(12 * np.pi * other.channels["lap_distance_pct"])
    told = changed(other, lap_distance_pct=other.channels["lap_distance_pct"] + wrong)
    unrefined, refined = trace(told, length_m=reference.length_m), trace(told, reference=reference)
    assert refined.refined
    assert not unrefined.refined
    assert np.abs(unrefined.time_s - reference.time_s).max() > 0.05
    assert np.abs(refined.time_s - reference.time_s).max() < 1e-3


def test_a_reference_without_coordinates_leaves_places_as_told():
    base = simulated()
    assert not trace(base, reference=trace(without(base, "latitude", "longitude"))).refined


def test_every_second_frame_tells_the_same():
    base = simulated()
    assert np.abs(trace(part(base, slice(None, None, 2))).time_s - trace(base).time_s).max() < 1e-3
