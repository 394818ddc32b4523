"""Habits of the simulated driver: slower where they are, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.habits import Fault, Habit
from racing_coach_rig.sources.simulator import DRIVERS, TRACKS, Simulator

INES = DRIVERS["Ines Aubrac"]


def second_lap(*habits: Habit, track: str = "port-calder") -> Lap:
    """Not the first one, in which the tyres are cold."""
    return [*Simulator(seed=1, track=track, driver=replace(INES, habits=habits)).laps(2)][1]


def speed_at(lap: Lap, distance: np.ndarray) -> np.ndarray:
    frames = lap.frames
    return np.interp(distance, frames.column("lap_distance").to_numpy(), frames.column("speed").to_numpy())


@pytest.mark.parametrize("fault", Fault)
def test_a_habit_costs_time_at_its_corner_and_nowhere_before(fault: Fault) -> None:
    """Never faster; slower around the corner; and as before up to 300 m in front of it."""
    line = TRACKS["port-calder"].line
    apex = float(np.sort(line.apexes)[5])
    distance = np.arange(20.0, line.length - 20.0)

    without, with_it = second_lap(), second_lap(Habit(5, fault, 25.0))

    lost = speed_at(without, distance) - speed_at(with_it, distance)
    assert lost.min() > -0.05
    assert np.abs(lost[distance < apex - 300]).max() < 0.05
    assert lost[np.abs(distance - apex) < 150].max() > 1.0
    assert without.lap_time is not None
    assert with_it.lap_time is not None
    assert with_it.lap_time - without.lap_time > 0.1


def test_the_pedals_move_by_as_much_as_the_habit_says() -> None:
    """The brake comes so many metres sooner, or the throttle so many later."""
    line = TRACKS["port-calder"].line
    apex = float(np.sort(line.apexes)[5])
    before, after = np.arange(apex - 150, apex - 20), np.arange(apex, apex + 100)

    def first_place(lap: Lap, pedal: str, places: np.ndarray) -> float:
        frames = lap.frames
        values = np.interp(places, frames.column("lap_distance").to_numpy(), frames.column(pedal).to_numpy())
        return float(places[np.argmax(values > 0.2)])

    clean = second_lap()
    early = second_lap(Habit(5, Fault.BRAKES_EARLY, 25.0))
    late = second_lap(Habit(5, Fault.LATE_ON_THROTTLE, 25.0))

    sooner = first_place(clean, "brake", before) - first_place(early, "brake", before)
    later = first_place(late, "throttle", after) - first_place(clean, "throttle", after)
    assert sooner == pytest.approx(25, abs=6)
    assert later == pytest.approx(25, abs=6)


def test_a_driver_without_habits_is_who_it_was() -> None:
    """The session of a seed keeps its id; one with habits is another session."""
    assert (
        Simulator(seed=3, driver=INES).session.session_id == Simulator(seed=3, driver=replace(INES)).session.session_id
    )
    with_habit = replace(INES, habits=(Habit(1, Fault.BRAKES_EARLY, 10.0),))
    assert Simulator(seed=3, driver=with_habit).session.session_id != Simulator(seed=3, driver=INES).session.session_id
