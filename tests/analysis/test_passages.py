"""Passages and prices: what belongs to which corner, and what a missing speed costs."""

import itertools

import numpy as np
import pytest
from benchmarks.coaching import stints

from racing_coach_analysis.passages import corner_at, passages
from racing_coach_analysis.price import course
from racing_coach_analysis.track_map import Corner, TrackMap


@pytest.fixture(scope="module")
def where():
    return stints.world("larchmoor", "Ines Aubrac")


@pytest.fixture(scope="module")
def lap(where):
    return stints.clean(where, 1, np.random.default_rng(4))[0]


def test_passages_follow_one_another_up_to_the_line(lap):
    found = passages(lap)
    assert found[-1].end == lap.steps
    for before, after in itertools.pairwise(found):
        assert before.end == after.start
        assert before.reach == after.peak
    for one in found:
        assert one.start <= one.peak < one.slowest < one.end <= one.reach
        assert lap.channels["speed"][one.slowest] < lap.channels["speed"][one.peak]


def test_every_corner_that_is_braked_for_has_a_passage(where, lap):
    slowest = [one.slowest * lap.length_m / lap.steps for one in passages(lap)]
    for corner in where.corners:
        apex = where.usual.place[corner.slowest]
        assert min(abs(place - apex) for place in slowest) < 30


def test_a_flat_out_lap_has_no_passage(lap):
    flat = lap.channels | {"speed": np.full(lap.steps + 1, 60.0)}
    assert passages(type(lap)(lap.lap_time, lap.length_m, lap.time_s, flat)) == ()


def _laps(slower, *, throttle=0.0, brakes_from=None):
    speed = np.stack([np.full(101, 50.0), np.full(101, 50.0 - slower)])
    brake = np.zeros((2, 101))
    if brakes_from is not None:
        speed[:, brakes_from:] = np.maximum(speed[0, brakes_from:] - 2.0 * np.arange(101 - brakes_from), 20.0)
        brake[:, brakes_from:] = 0.8
    time = np.stack([np.concatenate([[0.0], np.cumsum(4 / row[:-1])]) for row in speed])
    return course(time, speed, np.full((2, 101), throttle), brake, 4.0)


def test_speed_that_is_missing_costs_what_it_costs_when_it_stays_missing():
    laps = _laps(0.5)
    assert laps.carried(20)[1] == pytest.approx(laps.lost(20, 100)[1], rel=0.15)
    assert laps.carried(20)[0] == 0


def test_under_full_throttle_missing_speed_fades():
    assert 0 < _laps(0.5, throttle=1.0).carried(0)[1] < _laps(0.5).carried(0)[1]


def test_missing_speed_costs_nothing_behind_the_next_braking():
    laps = _laps(0.5, brakes_from=60)
    assert laps.carried(20)[1] == pytest.approx(laps.lost(20, 61)[1], rel=0.1)
    assert laps.carried(70)[1] == 0


def test_more_speed_wins_what_less_speed_loses():
    assert _laps(-0.5).carried(0)[1] == pytest.approx(-_laps(0.5).carried(0)[1], rel=0.05)


def test_a_place_belongs_to_the_corner_around_it_or_to_the_nearest():
    line = Corner(1, None, 0.97, 0.99, 0.02)
    other = Corner(2, "Esses", 0.30, 0.35, 0.40)
    track_map = TrackMap((line, other), 4000.0, "authored", 1)
    assert corner_at(track_map, 0.01, 4000.0) == line
    assert corner_at(track_map, 0.98, 4000.0) == line
    assert corner_at(track_map, 0.28, 4000.0) == other
    assert corner_at(TrackMap((), None, "found", 1), 0.5, 4000.0) is None
