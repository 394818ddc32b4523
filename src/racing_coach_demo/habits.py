"""The demo's drivers: alike but for one habit each, so that what the coach says can be held against what is true."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from racing_coach_core.track_maps import TrackMapDocument
from racing_coach_rig.sources.simulation.habits import Fault, Habit
from racing_coach_rig.sources.simulator import DEFAULT_TRACK, DRIVERS, TRACKS, Driver, Simulator

_STEADY: Final = DRIVERS["Ines Aubrac"]
_IN_WORDS: Final = {
    Fault.BRAKES_EARLY: "brakes {metres:.0f} m early for turn {turn}",
    Fault.LATE_ON_THROTTLE: "is {metres:.0f} m late on the throttle out of turn {turn}",
}

CLEAN: Final = _STEADY
"""Drives first; the others are compared with the best of these laps."""

CAST: Final[tuple[Driver, ...]] = (
    CLEAN,
    replace(_STEADY, name="Tomas Velde", habits=(Habit(8, Fault.BRAKES_EARLY, 30.0),)),
    replace(_STEADY, name="Priya Raman", habits=(Habit(3, Fault.LATE_ON_THROTTLE, 30.0),)),
    *(driver for name, driver in DRIVERS.items() if name not in {"Ines Aubrac", "Tomas Velde", "Priya Raman"}),
)
"""Who drives on the rigs, the first rig first."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a driver does wrong on every lap, and what it cost on one of them, s."""

    text: str
    cost_s: float | None = None


def simulator_of(number: int, seed: int) -> Simulator:
    """The stint of rig `number`, from 1."""
    return Simulator(seed=seed * 1000 + number, driver=CAST[(number - 1) % len(CAST)])


def truth_of(number: int, seed: int, lap_number: int, track_map: TrackMapDocument | None) -> Truth:
    """What is true of a rig's driver: the same lap driven again without the habit tells what that costs."""
    simulator = simulator_of(number, seed)
    if not simulator.driver.habits:
        return Truth("no habit")
    without = replace(simulator.driver, habits=())
    with_it = [*simulator.laps(lap_number)][-1]
    clean = [*Simulator(seed=seed * 1000 + number, driver=without).laps(lap_number)][-1]
    assert with_it.lap_time is not None
    assert clean.lap_time is not None
    words = ", ".join(_in_words(habit, track_map) for habit in simulator.driver.habits)
    return Truth(words, with_it.lap_time - clean.lap_time)


def _in_words(habit: Habit, track_map: TrackMapDocument | None) -> str:
    """A habit with the corner's number on the map, which counts bends that the simulator's list of corners may not."""
    line = TRACKS[DEFAULT_TRACK].line
    apex = float(np.sort(line.apexes)[habit.corner] / line.length)
    turn: object = f"at {apex * line.length:.0f} m"
    if track_map is not None:
        turn = min(track_map.corners, key=lambda corner: abs(corner.apex - apex)).number
    return _IN_WORDS[habit.fault].format(metres=habit.metres, turn=turn)
