"""Time, place and tyres go on from lap to lap."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from tests.rig.sources.simulation.stints import KART, RATE, column, joined

from racing_coach_core.channels import TREAD_POSITIONS, WHEELS
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import (
    DEFAULT_START,
    Driver,
    Simulator,
)


class TestStint:
    def test_time_goes_on(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Session time and clock go on by a sixtieth of a second, from the first lap to the last."""
        _, laps = stint
        session_time = joined(laps, "session_time")
        np.testing.assert_allclose(np.diff(session_time), 1 / RATE, atol=1e-9)
        assert session_time[0] == pytest.approx(1 / RATE)
        clock = np.concatenate([lap.frames.column("timestamp").cast(pa.int64()).to_numpy() for lap in laps])
        np.testing.assert_allclose(clock / 1e6 - DEFAULT_START.timestamp(), session_time, atol=2e-6)

    def test_lap_times_agree(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Current, last and best lap time are those of a stopwatch that is pressed on the line."""
        times: list[float] = []
        for lap in stint[1]:
            assert lap.lap_time is not None
            current = column(lap.frames, "session_time") - sum(times)
            np.testing.assert_allclose(column(lap.frames, "current_lap_time"), current, atol=1e-5)
            assert 0 < current[0] <= 1 / RATE
            assert 0 < lap.lap_time - current[-1] <= 1 / RATE
            last, best = (times[-1], min(times)) if times else (-1.0, -1.0)
            np.testing.assert_allclose(column(lap.frames, "last_lap_time"), last, rtol=1e-6)
            np.testing.assert_allclose(column(lap.frames, "best_lap_time"), best, rtol=1e-6)
            times.append(lap.lap_time)

    def test_position_and_speed_go_on(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Across the line the car moves on without a jump, in the road's frame and in its own."""
        simulator, laps = stint
        length = simulator.track.line.length
        driven = np.concatenate(
            [column(lap.frames, "lap_distance") + length * number for number, lap in enumerate(laps)]
        )
        speed = joined(laps, "speed")
        np.testing.assert_allclose(np.diff(driven), (speed[1:] + speed[:-1]) / (2 * RATE), atol=2e-3)
        assert np.abs(np.diff(speed)).max() * RATE < 30
        for name, most in (("steering_angle", 0.5), ("pitch", 0.02), ("lf_tire_temp_left", 0.5)):
            assert np.abs(np.diff(joined(laps, name))).max() < most, name

    def test_tyres_warm_and_wear(self) -> None:
        """Over a stint the tyres become warm, then stay so, and there is ever less of them."""
        laps = list(Simulator(seed=2).laps(5))
        for wheel, position in itertools.product(WHEELS, TREAD_POSITIONS):
            wear = joined(laps, f"{wheel.lower()}_tire_wear_{position}")
            assert 0.9 < wear[-1] < wear[0] <= 1
            assert (np.diff(wear) <= 0).all()
            means = [column(lap.frames, f"{wheel.lower()}_tire_temp_{position}").mean() for lap in laps]
            assert 40 < means[0] < means[1] < means[-1] < 110
            assert means[-1] - means[-2] < 0.2 * (means[1] - means[0])

    def test_cold_tyres_cost_time(self) -> None:
        """A driver without any variation is slowest on the first lap."""
        driver = Driver("Metronome", consistency=1.0)
        times = [lap.lap_time or 0 for lap in Simulator(seed=0, driver=driver).laps(3)]
        assert times[0] > times[1] > times[2]

    def test_drives_for_ever(self) -> None:
        """Without a count there is always a next lap, and asked again the stint begins anew."""
        simulator = Simulator(seed=3, track=KART)
        numbers = [lap.lap_number for lap in itertools.islice(simulator.laps(), 12)]
        assert numbers == list(range(1, 13))
        assert next(simulator.laps()).lap_number == 1
        assert list(simulator.laps(0)) == []
