"""Curvature is that of the circle that is driven, whatever channel it comes from."""

import numpy as np
import pytest
from tests.analysis.laps import changed, without
from tests.analysis.shapes import constant, driven, stadium

from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.trace import trace

RADIUS = 60.0
LENGTH, BEND = stadium(radius=RADIUS)
LAP = driven(LENGTH, BEND, speed=constant(40.0))


def of(lap):
    found = trace(lap, length_m=LENGTH)
    return found, curvature(found)


@pytest.mark.parametrize(
    "missing",
    [(), ("latitude",), ("latitude", "yaw_rate")],
    ids=["from the path", "from yaw rate", "from lateral acceleration"],
)
def test_a_circle_has_the_curvature_of_its_radius(missing):
    found, bend = of(without(LAP, *missing))
    place = found.pct * LENGTH
    inside = (place > 230) & (place < 200 + np.pi * RADIUS - 30)
    assert bend[inside] == pytest.approx(1 / RADIUS, rel=0.01)
    straight = (place > 20) & (place < 170)
    assert np.abs(bend[straight]).max() < 1e-4
    assert np.degrees(bend[:-1].sum() * found.step_m) == pytest.approx(360, abs=2)


def test_a_right_turn_is_negative():
    _, bend = of(driven(LENGTH, lambda place: -BEND(place), speed=constant(40.0)))
    assert bend.min() == pytest.approx(-1 / RADIUS, rel=0.01)


def test_a_line_beside_the_line_has_a_radius_of_its_own():
    _, bend = of(driven(LENGTH, BEND, speed=constant(40.0), offset_m=-5.0))
    assert bend.max() == pytest.approx(1 / (RADIUS + 5), rel=0.01)


def test_a_lap_that_ends_beside_where_it_began_has_no_bend_at_the_line():
    drift = np.linspace(0, 6 / 6_371_008.8, len(LAP.channels["latitude"]))
    _, bend = of(changed(LAP, latitude=LAP.channels["latitude"] + np.degrees(drift)))
    assert np.abs(bend[[0, 1, 2, -3, -2, -1]]).max() < 2e-4


def test_where_the_path_has_a_gap_curvature_is_not_known():
    latitude = LAP.channels["latitude"].copy()
    latitude[300:350] = np.nan
    found, bend = of(changed(LAP, latitude=latitude))
    place = found.pct * LENGTH
    assert np.isnan(bend[(place > 205) & (place < 230)]).all()
    assert np.isfinite(bend[(place < 180) | (place > 260)]).all()


def test_nothing_that_tells_it_is_none():
    assert of(without(LAP, "latitude", "yaw_rate", "lateral_acceleration"))[1] is None
    assert curvature(trace(without(LAP, "speed", "latitude"), length_m=LENGTH)) is None
