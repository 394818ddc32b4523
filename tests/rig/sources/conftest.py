"""Laps of the simulated driver."""

import pytest

from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import (
    DRIVERS,
    TRACKS,
    Simulator,
)


@pytest.fixture(scope="session", params=sorted(TRACKS))
def stint(request: pytest.FixtureRequest) -> tuple[Simulator, list[Lap]]:
    """Three laps of each track by a driver who goes to the limit."""
    simulator = Simulator(seed=7, track=request.param, driver=DRIVERS["Tomas Velde"])
    return simulator, list(simulator.laps(3))
