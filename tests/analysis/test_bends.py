"""Bends in a curvature profile: how far they turn, and where they are tightest."""

import numpy as np
import pytest
from tests.analysis.shapes import stadium

from racing_coach_analysis.bends import LEAST_TURN_RAD, bends_of

STEP = 1.0


def profile(*pieces):
    """Curvature at every metre, of pieces: how long each is, m, and its curvature."""
    return np.concatenate([np.full(length, float(value)) for length, value in pieces])


def test_a_bend_turns_by_the_integral_of_its_curvature():
    (bend,) = bends_of(profile((500, 0), (100, 1 / 80), (400, 0)), STEP)
    assert bend.turn == pytest.approx(100 / 80, rel=0.01)
    assert bend.apex == pytest.approx(549.5, abs=0.5)


def test_a_stadium_has_two_half_turns():
    length, bend = stadium(straight=400, radius=60)
    found = bends_of(bend(np.arange(0.0, length, STEP)), STEP)
    assert [one.turn for one in found] == pytest.approx([np.pi, np.pi], rel=0.02)


def test_a_long_kink_counts_by_what_it_turns_however_wide_it_is():
    assert len(bends_of(profile((500, 0), (300, 1 / 1000), (500, 0)), STEP)) == 1


def test_crossing_the_lane_where_a_bend_ends_hardly_changes_its_turn():
    kink = profile((500, 0), (200, 1 / 800), (500, 0))
    across = kink.copy()
    place = np.arange(len(kink)) - 700
    inside = (place >= 0) & (place < 180)
    # A metre to the side and back, as one wave of 180 m.
    across[inside] += (2 * np.pi / 180) ** 2 * 0.5 * np.cos(2 * np.pi * place[inside] / 180)
    turns = [abs(bends_of(one, STEP)[0].turn) for one in (kink, across)]
    assert abs(turns[1] - turns[0]) < np.radians(1.0)


def test_on_a_straight_the_heading_is_averaged_as_far_as_it_goes():
    """Half a metre to the side in waves of 250 m tells on a kink's turn all the less the longer the straights beside it."""
    waves = (2 * np.pi / 250) ** 2 * 0.5 * np.sin(2 * np.pi * np.arange(1000) / 250 + np.arange(0, 6.28, 0.4)[:, None])
    off = {}
    for beside in ("straight", "bent"):
        track = profile((470, 0), (60, 1 / 200), (470, 0))
        if beside == "bent":
            track[[*range(330, 350), *range(650, 670)]] = -1 / 400
        turns = [max(bends_of(track + wave, STEP), key=lambda bend: bend.turn).turn for wave in waves]
        off[beside] = np.std(turns)
    assert off["straight"] < 0.7 * off["bent"]


def test_how_a_driver_divides_the_turning_does_not_move_the_apex():
    even = profile((500, 0), (100, 1 / 100), (100, 1 / 100), (500, 0))
    late = profile((500, 0), (100, 1 / 120), (100, 1 / 85), (500, 0))
    apexes = [bends_of(one, STEP)[0].apex for one in (even, late)]
    assert abs(apexes[1] - apexes[0]) < 3.0


def test_what_turns_less_than_a_corner_does_is_none():
    assert bends_of(profile((500, 0), (100, 0.9 * LEAST_TURN_RAD / 100), (500, 0)), STEP) == []


def test_a_spiral_of_a_thousand_bends_is_cut_into_them():
    """In one direction, each relaxing a little less than the one before: who sends laps may draw anything."""
    place = np.arange(99_000.0)
    depth = np.linspace(0.95, 0.9, len(place))
    assert len(bends_of(0.02 * (1 + depth * np.sin(2 * np.pi * place / 90)), STEP)) > 1_000
