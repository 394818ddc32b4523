"""The channels agree with each other, with the track and with physics."""

import math

import numpy as np
import pytest
from tests.rig.sources.simulation.stints import RATE, column

from racing_coach_core.channels import WHEELS
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.car import CAR
from racing_coach_rig.sources.simulation.track import EARTH_RADIUS_M
from racing_coach_rig.sources.simulator import (
    DRIVERS,
    TRACKS,
    Driver,
    Simulator,
)


class TestPhysics:
    def test_speed_integrates_to_distance(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Speed over time is the distance driven, to a few millimetres."""
        for lap in stint[1]:
            speed, distance = column(lap.frames, "speed"), column(lap.frames, "lap_distance")
            driven = distance[0] + np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / (2 * RATE))])
            np.testing.assert_allclose(driven, distance, atol=5e-3)

    def test_speed_is_the_derivative_of_position(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Latitude and longitude move at the speed and in the direction that the other channels tell."""
        simulator, laps = stint
        parallel = math.cos(math.radians(simulator.track.latitude))
        for lap in laps:
            north = np.radians(column(lap.frames, "latitude")) * EARTH_RADIUS_M
            east = np.radians(column(lap.frames, "longitude")) * EARTH_RADIUS_M * parallel
            velocity = (np.gradient(east) + 1j * np.gradient(north))[1:-1] * RATE
            np.testing.assert_allclose(np.abs(velocity), column(lap.frames, "speed")[1:-1], rtol=5e-3)
            assert np.abs(np.angle(velocity * np.exp(-1j * column(lap.frames, "yaw")[1:-1]))).max() < 0.03

    def test_yaw_rate_is_the_derivative_of_yaw(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Yaw stays within half a turn to both sides, and its rate is what it changes by."""
        for lap in stint[1]:
            yaw = column(lap.frames, "yaw")
            assert np.abs(yaw).max() <= math.pi + 1e-6
            rate = np.gradient(np.unwrap(yaw))[1:-1] * RATE
            np.testing.assert_allclose(rate, column(lap.frames, "yaw_rate")[1:-1], atol=0.05)

    def test_accelerations_are_those_of_the_motion(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Sideways acceleration is v²κ, which is v times the yaw rate; along the track it is dv/dt."""
        simulator, laps = stint
        line = simulator.track.line
        for lap in laps:
            speed, lateral = column(lap.frames, "speed"), column(lap.frames, "lateral_acceleration")
            curvature = line.at(line.curvature, column(lap.frames, "lap_distance"))
            np.testing.assert_allclose(lateral, speed**2 * curvature, atol=1e-3)
            np.testing.assert_allclose(lateral, speed * column(lap.frames, "yaw_rate"), atol=1e-3)
            along = column(lap.frames, "longitudinal_acceleration")[1:-1]
            difference = np.gradient(speed)[1:-1] * RATE - along
            assert np.abs(difference).max() < 2
            assert np.sqrt(np.mean(difference**2)) < 0.3

    def test_velocity_points_forwards(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """In the car's own axes the velocity is the speed forwards, none sideways, and bumps."""
        for lap in stint[1]:
            np.testing.assert_array_equal(column(lap.frames, "velocity_x"), column(lap.frames, "speed"))
            assert not column(lap.frames, "velocity_y").any()
            assert 0 < np.abs(column(lap.frames, "velocity_z")).max() < 1

    @pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
    @pytest.mark.parametrize("track", TRACKS)
    def test_friction_circle_holds(self, track: str, driver: Driver) -> None:
        """The tyres never give more than their friction, and a driver comes near to what they could."""
        for lap in Simulator(seed=11, track=track, driver=driver).laps(3):
            speed = column(lap.frames, "speed")
            along = column(lap.frames, "longitudinal_acceleration") + CAR.resistance(speed)
            used = np.hypot(along, column(lap.frames, "lateral_acceleration")) / CAR.grip(speed)
            assert 0.75 < used.max() < 1

    def test_engine_gives_no_more_than_it_has(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Driving force times speed stays below the engine's power."""
        for lap in stint[1]:
            speed = column(lap.frames, "speed")
            force = column(lap.frames, "longitudinal_acceleration") + CAR.resistance(speed)
            assert (force * speed).max() < 1.02 * CAR.power

    def test_left_is_positive(self) -> None:
        """In a left turn steering, yaw rate, lateral acceleration and roll are all positive."""
        (lap,) = Simulator(seed=1, track="heronsgate").laps(1)
        lateral = column(lap.frames, "lateral_acceleration")
        assert column(lap.frames, "yaw_rate").sum() > 0, "this track is driven counter-clockwise"
        for name in ("yaw_rate", "steering_angle", "roll"):
            values = column(lap.frames, name)
            assert (values[lateral > 5] > 0).all(), name
            assert (values[lateral < -5] < 0).all(), name


class TestControls:
    def test_pedals_move_between_their_stops(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Both pedals are used, from 0 up to at most 1, and never together."""
        for lap in stint[1]:
            throttle, brake = column(lap.frames, "throttle"), column(lap.frames, "brake")
            assert throttle.min() == brake.min() == 0
            assert throttle.max() == 1
            assert 0.2 < brake.max() <= 1
            assert not (throttle * brake).any()

    def test_brakes_slow_and_throttle_speeds_up(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """The car slows under braking and never faster than gently without; full throttle never slows it."""
        for lap in stint[1]:
            along = column(lap.frames, "longitudinal_acceleration")
            assert (along[column(lap.frames, "brake") > 0.02] < 0).all()
            assert (along[column(lap.frames, "throttle") == 1] > -0.1).all()

    def test_brake_lines_follow_the_pedal(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Every wheel has brake pressure when, and only when, the pedal is down."""
        for lap in stint[1]:
            brake = column(lap.frames, "brake")
            for wheel in WHEELS:
                pressure = column(lap.frames, f"{wheel.lower()}_brake_pressure")
                np.testing.assert_array_equal(pressure > 0, brake > 0)

    def test_gears_fit_the_speed(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Gears change one by one up or down with the speed, and the engine stays below its redline."""
        for lap in stint[1]:
            gear, revs = column(lap.frames, "gear"), column(lap.frames, "rpm")
            assert gear.min() >= 1
            assert gear.max() <= len(CAR.gearing)
            assert np.abs(np.diff(gear)).max() <= 1
            assert revs.min() > 1000
            assert revs.max() <= CAR.redline
            ratio = np.array(CAR.gearing)[gear.astype(int) - 1]
            np.testing.assert_allclose(revs, ratio * column(lap.frames, "speed"), rtol=1e-5)
