"""The truth that the coach is measured against: faults that are known in place, cause and cost."""

import numpy as np
import pytest
from benchmarks.coaching import base, stints, tracks
from benchmarks.coaching.noise import LOOSE, STEADY, Chance, by_chance, varied
from benchmarks.coaching.place import landmarks
from benchmarks.coaching.planting import KINDS, plant
from benchmarks.coaching.record import recorded


@pytest.fixture(scope="module")
def usual():
    return base.simulated(tracks.track("larchmoor"), base.driver("Ines Aubrac"))


@pytest.fixture(scope="module")
def corners(usual):
    return landmarks(usual)


def test_tracks_and_drivers_that_were_tuned_on_are_not_reported():
    assert not set(tracks.TUNE) & set(tracks.REPORT)
    assert not set(base.TUNE_DRIVERS) & set(base.REPORT_DRIVERS)
    assert len(tracks.REPORT) >= 8


def test_a_seed_makes_the_same_track_again():
    assert tracks.track("seed-11") == tracks.track("seed-11")
    assert tracks.track("seed-11") != tracks.track("seed-12")


def test_lap_time_is_the_integral_of_way_over_speed(usual):
    pace = 1 / usual.speed
    assert usual.lap_time == pytest.approx(np.trapezoid(pace, usual.place), abs=1e-9)
    assert usual.times[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_costs_what_the_lap_is_slower_by(usual, corners, kind):
    planted = [made for corner in corners if (made := plant(usual, corner, kind, 0.8)) is not None]
    assert planted
    for changed, fault in planted:
        assert fault.cost_s == changed.lap_time - usual.lap_time
        assert fault.action_s == fault.cost_s
        assert fault.cause == KINDS[kind][1]
        assert np.all(np.isfinite(changed.speed))
        assert changed.speed.min() > 3
        assert ((changed.throttle >= 0) & (changed.throttle <= 1)).all()
        assert ((changed.brake >= 0) & (changed.brake <= 1)).all()
    assert max(fault.cost_s for _, fault in planted) > 0.08


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_nothing_before_it(usual, corners, kind):
    for corner in corners:
        made = plant(usual, corner, kind, 0.5)
        if made is not None:
            changed, _ = made
            early = usual.place < usual.place[corner.onset] - 200
            assert np.array_equal(changed.speed[early], usual.speed[early])


def test_braking_early_moves_the_brake_and_nothing_else_is_quicker(usual, corners):
    changed, fault = plant(usual, corners[2], "brake_early", 0.5)
    first = np.flatnonzero((changed.brake > 0.05) & (usual.place > fault.at_m - 60))[0]
    assert fault.at_m - usual.place[first] == pytest.approx(20, abs=4)
    assert (changed.speed <= usual.speed + 1e-9).all()


@pytest.mark.parametrize("spread", [STEADY, LOOSE])
def test_a_driver_varies_as_drivers_do(usual, corners, spread):
    chance = np.random.default_rng(3)
    laps = [varied(usual, corners, spread, chance) for _ in range(30)]
    times = np.array([lap.lap_time for lap in laps])
    assert 0.0015 < times.std() / times.mean() < 0.005
    assert max(np.abs(lap.offset).max() for lap in laps) <= 0.6


def test_a_recorded_lap_is_what_was_driven(usual):
    columns = recorded(usual, np.random.default_rng(1))
    assert len({len(values) for values in columns.values()}) == 1
    assert (np.diff(columns["session_time"]) > 0).all()
    assert np.diff(columns["session_time"]).mean() == pytest.approx(1 / 60, rel=1e-3)
    assert (np.diff(columns["lap_distance_pct"]) > 0).all()
    speeding = np.gradient(columns["speed"], columns["session_time"])
    assert np.median(np.abs(speeding - columns["longitudinal_acceleration"])) < 0.2
    turning = columns["speed"] * columns["yaw_rate"]
    assert np.median(np.abs(turning - columns["lateral_acceleration"])) < 0.2


def test_chance_in_one_action_can_be_taken_back(usual, corners):
    """At one corner the braking point is that of another lap; all else is as it was."""
    one, other = (Chance.drawn(len(corners), STEADY, np.random.default_rng(seed)) for seed in (1, 2))
    assert one.but(2, (), other) == one
    changed = one.but(2, ("braking",), other)
    assert changed.braking[2] == other.braking[2]
    assert (changed.braking[:2], changed.apex, changed.around) == (one.braking[:2], one.apex, one.around)
    assert one.but(2, ("apex",), None).apex[2] == 0
    driven, again = (by_chance(usual, corners, STEADY, each) for each in (one, changed))
    before = usual.place < usual.place[corners[2].onset] - 100
    assert np.array_equal(driven.speed[before], again.speed[before])
    assert not np.array_equal(driven.speed, again.speed)


def test_what_an_action_cost_differs_from_the_fault_by_the_chance_in_it():
    where = stints.world("larchmoor", "Ines Aubrac")
    late, lift = (stints.faulty(where, kind, "once", np.random.default_rng(5)) for kind in ("throttle_late", "lift"))
    assert 0 < abs(late.planted.action_s - late.planted.cost_s) < 0.15
    assert lift.planted.action_s == pytest.approx(lift.planted.cost_s)
