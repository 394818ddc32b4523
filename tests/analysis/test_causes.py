"""Causes: what the driver's actions beside the reference's say."""

from dataclasses import fields

import numpy as np

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.causes import Cause, causes

ROWS = np.array([False, True, True, True])


def done(**measures):
    """Actions of the reference and three laps; what is not given is not known."""
    unknown = {one.name: np.full(4, np.nan) for one in fields(Actions)}
    return Actions(**(unknown | {name: np.array(values, dtype=float) for name, values in measures.items()}))


def test_a_gear_too_low_is_told_with_its_place():
    (found,) = causes(done(short_m=[0, 60, 60, 60], short_at_m=[np.nan, 410, 412, 414]), ROWS)
    assert (found.cause, found.at_m, found.amount) == (Cause.HIGHER_GEAR, 412, 60)


def test_what_was_done_at_no_known_place_is_not_told():
    """Two of three laps are not over the limit of the gear anywhere, though the mean is."""
    assert causes(done(short_m=[0, 80, 0, 0], short_at_m=[np.nan, 410, np.nan, np.nan]), ROWS) == []


def test_a_slow_apex_is_priced_from_the_middle_of_the_braking():
    measured = {"slowest_mps": [30, 28, 28, 28], "slowest_m": [500] * 4}
    (short,) = causes(done(**measured, onset_m=[460] * 4, release_m=[490] * 4), ROWS)
    (long,) = causes(done(**measured, onset_m=[340] * 4, release_m=[480] * 4), ROWS)
    assert (short.cause, short.from_m, long.from_m) == (Cause.CARRY_MORE_SPEED, 440, 410)
