"""What laps agree on, and whether others would have."""

import numpy as np
import pytest

from racing_coach_analysis.agreement import agreed, settled, within
from racing_coach_analysis.bends import LEAST_TURN_RAD

LENGTH = 1500.0


def laps(count, *, turn, long=150, spread=0.0001, seed=1):
    """Curvatures of laps of a track with a sharp corner and a kink of a given turn, rad, and length, m; each lap in
    waves of its own.
    """
    chance = np.random.default_rng(seed)
    place = np.arange(LENGTH + 1)
    track = np.where((place > 300) & (place < 400), 1 / 70, 0) + np.where(
        (place > 800) & (place < 800 + long), turn / long, 0
    )
    waves = 2 * np.pi * (place / 250 + chance.random((count, 1)))
    return track + spread * np.sin(waves) * chance.normal(1, 0.3, (count, 1))


def test_laps_that_agree_are_settled_and_chance_is_seeded():
    clear = laps(6, turn=2 * LEAST_TURN_RAD)
    assert settled(clear, LENGTH)
    assert settled(clear, LENGTH) == settled(clear, LENGTH)


@pytest.mark.parametrize("seed", range(4))
def test_a_bend_that_hardly_counts_is_not_settled_by_few_laps(seed):
    assert not settled(laps(5, turn=LEAST_TURN_RAD, spread=0.0004, seed=seed), LENGTH)


def test_an_apex_that_wanders_is_not_settled():
    wanders = laps(5, turn=2 * LEAST_TURN_RAD, long=450, spread=0.0009)
    assert not settled(wanders, LENGTH)
    assert settled(wanders, LENGTH, apexes=False)


def test_one_lap_far_out_moves_what_is_agreed_on_little():
    lines = laps(6, turn=2 * LEAST_TURN_RAD)
    odd = lines.copy()
    odd[2, 600:700] += 0.05
    moved = np.abs(agreed(odd) - agreed(lines)).max()
    assert moved < 0.002
    assert moved < np.abs(odd.mean(axis=0) - lines.mean(axis=0)).max() / 4


def test_laps_that_lie_close_are_averaged():
    lines = laps(6, turn=2 * LEAST_TURN_RAD)
    assert agreed(lines) == pytest.approx(lines.mean(axis=0), abs=2e-5)
    assert np.array_equal(within(lines[:2]), lines[:2])
