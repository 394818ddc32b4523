"""How sure a finding is: spread, intervals, accidents and false discoveries."""

import numpy as np
import pytest

from racing_coach_analysis.confidence import difference, discoveries, interval, spread


def test_the_spread_of_many_laps_is_their_own():
    own = spread([np.random.default_rng(1).normal(0, 0.05, 400)], 8.0)
    assert own.deviation == pytest.approx(0.05, rel=0.1)
    assert own.residuals.std() == pytest.approx(own.deviation)
    assert own.residuals.mean() == pytest.approx(0, abs=1e-12)


def test_without_laps_a_spread_is_assumed_that_grows_with_the_stretch():
    assert 0 < spread([], 2.0).deviation < spread([np.array([0.1])], 20.0).deviation


def test_one_lap_gone_wrong_is_no_spread():
    laps = np.array([0.0, 0.01, -0.01, 0.02, -0.02, 0.01, 0.0, -0.01])
    assert spread([np.append(laps, 5.0)], 8.0).deviation < 2 * spread([laps], 8.0).deviation


def test_the_same_gains_give_the_same_interval():
    own = spread([], 8.0)
    gains = np.array([0.1, 0.12, 0.09])
    assert interval(gains, own, 0.03) == interval(gains.copy(), own, 0.03)


def test_more_laps_and_more_yardsticks_narrow_the_interval():
    own = spread([], 8.0)
    alone = interval(np.full(1, 0.1), own, 0.03)
    often = interval(np.full(5, 0.1), own, 0.03, yardsticks=9)
    assert often.high - often.low < alone.high - alone.low
    assert alone.low < 0.1 < alone.high


def test_intervals_cover_what_is_true():
    chance = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        own = spread([chance.normal(0, 0.03, 12)], 8.0)
        found = interval(0.2 + chance.normal(0, 0.03, 4) - chance.normal(0, 0.03), own, 0.03)
        covered += found.low <= 0.2 <= found.high
    assert 0.92 < covered / 300 <= 0.995


def test_a_large_difference_is_no_accident_and_a_small_one_is():
    usual = np.array([400.0, 402.0, 398.0, 401.0, 399.0])
    assert difference(np.array([380.0]), usual, usual, 2.5).chance < 1e-6
    assert difference(np.array([398.0]), usual, usual, 2.5).chance > 0.1
    assert difference(np.array([380.0]), usual, usual, 2.5).deviations < 0


def test_a_chosen_yardstick_makes_a_difference_count_for_less():
    alone = np.array([400.0])
    lucky = difference(np.array([390.0]), alone, np.zeros(0), 2.5, luck=1.15)
    assert lucky.chance > difference(np.array([390.0]), alone, np.zeros(0), 2.5).chance


def test_what_is_not_known_is_an_accident():
    assert difference(np.array([np.nan]), np.array([1.0]), np.zeros(0), 1.0).chance == 1
    assert difference(np.array([1.0]), np.array([np.nan]), np.zeros(0), 1.0).chance == 1


def test_false_discoveries_are_bounded_by_rank():
    assert discoveries([0.001, 0.02, 0.04, 0.5], looked_at=4, rate=0.05) == [True, True, False, False]
    assert discoveries([0.001, 0.02, 0.04, 0.5], looked_at=40, rate=0.05) == [True, False, False, False]
    assert discoveries([], looked_at=8, rate=0.05) == []


def test_a_yardstick_without_the_fault_has_only_the_luck_of_a_lap_without_it():
    """Laps with a fault differ by that; what they are compared with does not."""
    usual = np.array([420.0, 428.0, 412.0, 424.0, 416.0])
    within = difference(usual, np.array([400.0]), usual, 2.5)
    assert difference(usual, np.array([400.0]), usual, 2.5, another=True).chance < within.chance
    own = spread([0.05 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])], 8.0)
    wide, narrow = interval(np.full(5, 0.2), own, 0.03), interval(np.full(5, 0.2), own, 0.03, luck=0.02)
    assert narrow.high - narrow.low < wide.high - wide.low
