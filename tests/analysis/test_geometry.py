"""Coordinates in metres, and the foot of a perpendicular on another path."""

import math

import numpy as np
import pytest

from racing_coach_analysis.geometry import EARTH_RADIUS_M, Path, path_length, plane, projected

LENGTH = 2 * math.pi * 300.0
GRID = np.linspace(0.0, 1.0, round(LENGTH) + 1)
CIRCLE = Path(300 * np.cos(2 * math.pi * GRID), 300 * np.sin(2 * math.pi * GRID), 45.0, 7.0)


def on_circle(pct, radius):
    return radius * np.cos(2 * math.pi * pct), radius * np.sin(2 * math.pi * pct)


def test_a_degree_of_latitude_and_of_longitude_in_metres():
    x, y = plane(np.array([46.0]), np.array([8.0]), (45.0, 7.0))
    assert y[0] == pytest.approx(EARTH_RADIUS_M * math.pi / 180)
    assert x[0] == pytest.approx(EARTH_RADIUS_M * math.pi / 180 * math.cos(math.radians(45.0)))


@pytest.mark.parametrize("radius", [290.0, 300.0, 308.0])
def test_the_place_beside_a_circle_is_that_of_its_radius(radius):
    true = np.linspace(0.02, 0.98, 700)
    told = true + 6.0 / LENGTH * np.sin(40 * true)
    found = projected(told, *on_circle(true, radius), CIRCLE, LENGTH)
    assert np.abs(found - true).max() * LENGTH < 0.05


def test_a_place_too_far_from_the_path_stays_as_told():
    told = np.linspace(0.1, 0.9, 50)
    assert projected(told, *on_circle(told, 280.0), CIRCLE, LENGTH) == pytest.approx(told, abs=0)


def test_a_track_that_passes_itself_does_not_make_a_place_jump():
    """Out and back beside itself, 8 m apart: within the lateral window of both halves."""
    there = np.linspace(0.0, 1000.0, 1001)
    path = Path(np.concatenate((there, there[::-1])), np.concatenate((np.zeros(1001), np.full(1001, 8.0))), 45.0, 7.0)
    told = np.linspace(0.05, 0.45, 100)
    x = told * 2001.0
    found = projected(told, x + 2.0, np.full(100, 7.0), path, 2001.0)
    assert np.abs(found - told).max() * 2001.0 < 4.0


def test_where_the_path_is_not_known_the_place_stays():
    x, y = CIRCLE.x_m.copy(), CIRCLE.y_m.copy()
    x[400:600] = np.nan
    told = np.linspace(0.25, 0.28, 20)
    assert projected(told, *on_circle(told, 301.0), Path(x, y, 45.0, 7.0), LENGTH) == pytest.approx(told)


def test_length_of_a_path_leaves_out_what_is_not_known():
    assert path_length(np.array([0.0, 3.0, np.nan, 3.0]), np.array([0.0, 4.0, 5.0, 5.0])) == pytest.approx(6.0)
