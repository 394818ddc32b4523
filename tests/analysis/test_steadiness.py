"""A driver's steadiness is told by all passages together."""

from dataclasses import fields

import numpy as np
import pytest

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.causes import USUAL_SPREAD
from racing_coach_analysis.steadiness import NOTHING_KNOWN, steadiness

USUAL = np.array([False, *[True] * 6, False])


def _passage(spread, seed):
    """Braking points that spread so, in a passage of 8 s; everything else is not known."""
    unknown = {one.name: np.full(len(USUAL), np.nan) for one in fields(Actions)}
    onset = 400 + np.random.default_rng(seed).normal(0, spread, len(USUAL))
    return Actions(**(unknown | {"onset_m": onset})), np.zeros(len(USUAL)), 8.0, USUAL


def test_who_is_loose_in_all_passages_is_thought_loose_in_each():
    loose = steadiness([_passage(5.0, seed) for seed in range(12)])
    assert loose.assumed("onset_m", 400.0) == pytest.approx(5.0, rel=0.25)


def test_nobody_is_thought_much_steadier_than_is_assumed():
    machine = steadiness([_passage(0.0, seed) for seed in range(12)])
    assert 0.8 * USUAL_SPREAD["onset_m"] < machine.assumed("onset_m", 400.0) < USUAL_SPREAD["onset_m"]


def test_one_lap_gone_wrong_makes_nobody_loose():
    done, lost, took_s, usual = _passage(2.5, 1)
    done.onset_m[3] = 150.0
    others = [_passage(2.5, seed) for seed in range(2, 12)]
    assert steadiness([(done, lost, took_s, usual), *others]).assumed("onset_m", 400.0) < 3.5


def test_what_no_lap_tells_is_as_assumed():
    assert steadiness([]) == NOTHING_KNOWN
    known = steadiness([_passage(5.0, seed) for seed in range(12)])
    assert known.assumed("pick_up_m", 500.0) == USUAL_SPREAD["pick_up_m"]
    assert known.assumed("slowest_mps", 30.0) == USUAL_SPREAD["slowest_mps"] * 30
