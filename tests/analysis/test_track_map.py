"""Segments tile the lap, whatever the corners are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_analysis.track_map import Corner, TrackMap, segments


def track_map(*corners):
    return TrackMap(tuple(Corner(n, None, *places) for n, places in enumerate(corners, start=1)), 4000.0, "authored", 1)


def summary(found):
    return [(one.kind[0], one.corner_number, one.start_pct, one.end_pct, one.apex_pct) for one in found]


def test_corners_and_what_lies_between():
    assert summary(segments(track_map((0.1, 0.15, 0.2), (0.2, 0.3, 0.35)))) == [
        ("s", None, 0.0, 0.1, None),
        ("c", 1, 0.1, 0.2, 0.15),
        ("c", 2, 0.2, 0.35, 0.3),
        ("s", None, 0.35, 1.0, None),
    ]


def test_a_corner_that_the_line_crosses_is_two_segments_and_has_its_apex_in_one():
    assert summary(segments(track_map((0.4, 0.45, 0.5), (0.9, 0.95, 0.02)))) == [
        ("c", 2, 0.0, 0.02, None),
        ("s", None, 0.02, 0.4, None),
        ("c", 1, 0.4, 0.5, 0.45),
        ("s", None, 0.5, 0.9, None),
        ("c", 2, 0.9, 1.0, 0.95),
    ]


def test_a_track_without_corners_is_one_straight():
    assert summary(segments(track_map())) == [("s", None, 0.0, 1.0, None)]


def test_corners_that_overlap_share_nothing_twice():
    found = segments(track_map((0.1, 0.15, 0.25), (0.2, 0.3, 0.35)))
    assert [one.start_pct for one in found] == [0.0, 0.1, 0.25, 0.35]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40, unique=True), st.booleans())
def test_segments_tile_the_lap(places, crossed):
    places = sorted(places)
    pairs = list(zip(places[::2], places[1::2], strict=False))
    corners = [(low, (low + high) / 2, high) for low, high in pairs]
    if crossed and len(corners) > 1:
        corners = [*corners[1:-1], (corners[-1][0], corners[-1][0], corners[0][1])]
    found = segments(track_map(*corners))
    assert found[0].start_pct == 0.0
    assert found[-1].end_pct == 1.0
    assert [one.index for one in found] == list(range(len(found)))
    assert all(one.start_pct < one.end_pct for one in found)
    assert all(one.end_pct == after.start_pct for one, after in itertools.pairwise(found))
    assert sum(one.apex_pct is not None for one in found) <= len(corners)
    assert sum(one.end_pct - one.start_pct for one in found) == pytest.approx(1.0)
