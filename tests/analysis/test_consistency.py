"""Spread and theoretical best of laps whose times are known."""

import pytest

from racing_coach_analysis.consistency import consistency, theoretical_best
from racing_coach_analysis.measures import LapMeasures


def lap(*times):
    return LapMeasures(sum(times), (), (), (), times)


LAPS = [
    lap(20.0, 30.0, 25.0),
    lap(21.0, 29.0, 25.4),
    lap(20.4, 29.5, 24.9),
    lap(20.2, 31.0, 25.2),
    lap(26.0, 29.2, 25.1),
]


def test_spread_is_half_of_what_lies_between_the_quartiles():
    found = consistency(LAPS)
    assert found.lap.laps == 5
    assert found.lap.best_s == pytest.approx(74.8)
    assert found.segments[0].median_s == pytest.approx(20.4)
    assert found.segments[0].spread_s == pytest.approx((21.0 - 20.2) / 2)


def test_two_laps_have_no_spread_and_none_has_nothing():
    assert consistency(LAPS[:2]).lap.spread_s is None
    assert consistency([]) is None


def test_the_theoretical_best_is_the_best_of_every_segment():
    assert theoretical_best(LAPS) == pytest.approx(20.0 + 29.0 + 24.9)
    assert theoretical_best(LAPS[:1]) == pytest.approx(LAPS[0].lap_time)
    assert theoretical_best([]) is None
