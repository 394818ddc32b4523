"""What drivers did in a passage, as it is read off the reference's lap (row 0) and another (row 1)."""

import numpy as np
import pytest

from racing_coach_analysis.actions import Actions, actions, fastest_in_gears
from racing_coach_analysis.passages import Passage

STEP_M = 4.0
PLACES = np.arange(151) * STEP_M
PASSAGE = Passage(start=0, peak=20, slowest=40, end=120, reach=150)
SPEED = np.interp(PLACES, [0, 80, 160, 600], [50.0, 50.0, 25.0, 60.0])
THROTTLE = np.interp(PLACES, [0, 76, 80, 164, 184, 600], [1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
BRAKE = np.where((PLACES >= 84) & (PLACES <= 156), 0.8, 0.0)
GEAR = np.interp(PLACES, [0, 84, 88, 299, 300, 600], [3, 3, 2, 2, 3, 3]).round()


def did(*, throttle=THROTTLE, gear=GEAR, own=THROTTLE, own_gear=GEAR) -> Actions:
    rows = {"speed": (SPEED, SPEED), "throttle": (own, throttle), "brake": (BRAKE, BRAKE), "gear": (own_gear, gear)}
    channels = {name: np.stack(values) for name, values in rows.items()}
    fastest = fastest_in_gears(own_gear, SPEED, own)
    return actions(channels, PASSAGE, STEP_M, fastest)


def dipped(*places: float):
    """A throttle that is given back for 20 m at each of these places."""
    return np.where(np.any([(place <= PLACES) & (place + 20 > PLACES) for place in places], axis=0), 0.2, THROTTLE)


def test_a_gear_is_held_too_long_where_the_reference_has_changed_up():
    held = np.where((PLACES >= 300) & (PLACES < 380), 2, GEAR)
    assert did(gear=held).short_m.tolist() == [0, 80]
    assert did(gear=held).short_at_m[1] == pytest.approx(300)


def test_speed_in_a_gear_under_braking_is_no_limit_of_that_gear():
    """The reference changes down early, at a speed that the engine never reaches in that gear."""
    early = np.where((PLACES >= 76) & (PLACES < 88), 2, GEAR)
    held = np.where((PLACES >= 300) & (PLACES < 380), 2, early)
    assert did(gear=held, own_gear=early).short_m.tolist() == [0, 80]


def test_neutral_between_two_gears_is_no_gear():
    neutral = np.where((PLACES >= 180) & (PLACES < 192), 0, GEAR)
    assert did(gear=neutral).gear.tolist() == [2, 2]
    assert did(gear=neutral).short_m.tolist() == [0, 0]


def test_a_lift_is_where_the_reference_does_not_lift():
    """Both give back some throttle at a kerb; the driver lifts on the straight besides."""
    kerb, both = dipped(240), dipped(240, 400)
    assert did(throttle=both, own=kerb).dip_m[1] == pytest.approx(396)
    assert did(throttle=both).dip_m[1] == pytest.approx(236)


def test_a_throttle_let_go_before_the_passage_was_let_go_by_its_beginning():
    rolling = np.where(PLACES < 164, 0.0, THROTTLE)
    assert did(throttle=rolling).lift_m[1] == 0
    assert did(throttle=rolling).rolling_m[1] == pytest.approx(84)
