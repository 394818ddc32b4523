"""What other actions cost is taken out of a price, as far as the driver's own laps tell it."""

from dataclasses import fields

import numpy as np
import pytest

from racing_coach_analysis.actions import Actions
from racing_coach_analysis.causes import Cause
from racing_coach_analysis.steadied import steadied

LATER = np.array([0.0, 3.0, -3.0, 4.0, -4.0, 2.0, -2.0, 3.0, -3.0, 4.0])
WORTH = 0.01 * LATER + np.array([0.0] * 9 + [0.2])
USUAL = np.array([False, *[True] * 8, False])


def _done(pick_up):
    unknown = {one.name: np.full(len(pick_up), np.nan) for one in fields(Actions)}
    return Actions(**(unknown | {"pick_up_m": 100 + pick_up}))


def test_the_price_of_a_gear_is_freed_of_a_late_throttle():
    told = steadied(WORTH, Cause.LOWER_GEAR, _done(LATER), USUAL)
    assert told[-1] == pytest.approx(0.2, abs=0.005)
    assert told[0] == 0


def test_the_price_of_a_late_throttle_keeps_it():
    assert steadied(WORTH, Cause.THROTTLE_EARLIER, _done(LATER), USUAL) == pytest.approx(WORTH)


def test_laps_without_the_measure_change_nothing():
    assert steadied(WORTH, Cause.LOWER_GEAR, _done(LATER * np.nan), USUAL) == pytest.approx(WORTH)


def test_the_price_of_a_slow_apex_is_freed_of_a_late_throttle():
    """Other laps that came late on the throttle tell what that costs; what is left is the apex."""
    assert steadied(WORTH, Cause.CARRY_MORE_SPEED, _done(LATER), USUAL)[-1] == pytest.approx(0.2, abs=0.005)
