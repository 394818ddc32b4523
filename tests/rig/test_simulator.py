"""The simulated driver: laps that physics, geometry and the clock would agree with."""

import itertools
import math
import uuid
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from racing_coach_core.channels import LAP_SCHEMA, TREAD_POSITIONS, WHEELS
from racing_coach_core.identity import content_sha256, lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.car import CAR
from racing_coach_rig.sources.simulation.track import EARTH_RADIUS_M
from racing_coach_rig.sources.simulator import (
    DEFAULT_START,
    DRIVERS,
    TRACKS,
    Corner,
    Driver,
    Simulator,
    Track,
)

RATE = 60
KART = "pennywell"
SQUARE = tuple(Corner(*corner, 20) for corner in ((100, 0), (100, -100), (0, -100), (0, 0)))


def track_of(corners: tuple[Corner, ...], **options: float) -> Track:
    return Track("test", "Test", "", latitude=45.0, longitude=7.0, altitude=0.0, corners=corners, **options)


def column(frames: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    return frames.column(name).cast(pa.float64()).to_numpy()


def joined(laps: list[Lap], name: str) -> npt.NDArray[np.float64]:
    return np.concatenate([column(lap.frames, name) for lap in laps])


@pytest.fixture(scope="module", params=sorted(TRACKS))
def stint(request: pytest.FixtureRequest) -> tuple[Simulator, list[Lap]]:
    """Three laps of each track by a driver who goes to the limit."""
    simulator = Simulator(seed=7, track=request.param, driver=DRIVERS["Tomas Velde"])
    return simulator, list(simulator.laps(3))


class TestTrack:
    @pytest.mark.parametrize("name", TRACKS)
    def test_closes(self, name: str) -> None:
        """A track ends where and in the direction in which it begins, with one full turn made."""
        line = TRACKS[name].line
        assert math.hypot(line.east[-1] - line.east[0], line.north[-1] - line.north[0]) < 1e-9
        assert abs(line.heading[-1] - line.heading[0]) == pytest.approx(2 * math.pi, abs=1e-9)
        assert line.curvature[-1] == line.curvature[0]
        assert line.altitude[-1] == pytest.approx(line.altitude[0], abs=1e-9)

    @pytest.mark.parametrize("name", TRACKS)
    def test_geometry_agrees(self, name: str) -> None:
        """Position, heading and curvature are those of one curve, and distance is measured along it."""
        line = TRACKS[name].line
        steps = np.diff(line.east) + 1j * np.diff(line.north)
        np.testing.assert_allclose(np.abs(steps), line.step, rtol=2e-3)
        middle = (line.heading[1:] + line.heading[:-1]) / 2
        assert np.abs(np.angle(steps * np.exp(-1j * middle))).max() < 2e-3
        turned = np.concatenate([[0.0], np.cumsum((line.curvature[1:] + line.curvature[:-1]) / 2)]) * line.step
        np.testing.assert_allclose(turned, line.heading - line.heading[0], atol=5e-3)

    def test_slope_is_that_of_altitude(self) -> None:
        """The grade is the derivative of the altitude."""
        line = TRACKS["larchmoor"].line
        np.testing.assert_allclose(np.gradient(line.altitude, line.step)[1:-1], line.grade[1:-1], atol=1e-5)

    @pytest.mark.parametrize("name", set(TRACKS) - {KART})
    def test_is_of_a_real_tracks_size(self, name: str) -> None:
        """The tracks are as long as real ones."""
        assert 2500 < TRACKS[name].line.length < 5000

    def test_rounds_corners(self) -> None:
        """Four right angles rounded by arcs make a lap of four straights and a full circle."""
        line = track_of(SQUARE, easing=0.5).line
        assert line.length == pytest.approx(4 * 60 + 2 * math.pi * 20, rel=1e-3)
        assert line.curvature.min() == pytest.approx(-1 / 20, rel=1e-2)
        assert len(line.apexes) == 4

    def test_refuses_corners_that_overlap(self) -> None:
        """A straight too short for the arcs at its ends is named."""
        corners = (SQUARE[0], SQUARE[1]._replace(radius=85), *(c._replace(east=-100) for c in SQUARE[2:]))
        with pytest.raises(ValueError, match="the straight to corner 2 is too short"):
            _ = track_of(corners).line

    def test_is_worked_out_once_and_not_to_be_changed(self) -> None:
        """All simulators of a track share one line, so nobody can write to it."""
        line = TRACKS[KART].line
        assert TRACKS[KART].line is line
        with pytest.raises(ValueError, match="read-only"):
            line.curvature[0] = 1.0


class TestShape:
    def test_fills_every_channel(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Every column of the schema has a finite value in every frame."""
        for lap in stint[1]:
            assert lap.frames.schema == LAP_SCHEMA
            assert all(array.null_count == 0 for array in lap.frames.columns)
            lap.frames.validate(full=True)
            for field in LAP_SCHEMA:
                if pa.types.is_floating(field.type):
                    assert np.isfinite(column(lap.frames, field.name)).all(), field.name

    def test_goes_round_once(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """The share of the lap rises from just above 0 to just below 1."""
        for lap in stint[1]:
            share = column(lap.frames, "lap_distance_pct")
            assert 0 < share[0] < 0.01
            assert 0.99 < share[-1] < 1
            assert (np.diff(share) > 0).all()

    def test_rows_make_the_lap_time(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """At 60 Hz the number of frames is the lap time to within one sample."""
        for lap in stint[1]:
            assert lap.lap_time is not None
            assert abs(lap.frames.num_rows / RATE - lap.lap_time) < 1 / RATE

    def test_default_lap_is_like_a_real_one(self) -> None:
        """A lap of the default track has about 4,700 frames; one of the kart track takes seconds."""
        for seed in range(len(DRIVERS)):
            (lap,) = Simulator(seed=seed).laps(1)
            assert 4500 < lap.frames.num_rows < 5100
            (lap,) = Simulator(seed=seed, track=KART).laps(1)
            assert 600 < lap.frames.num_rows < 800

    def test_counts_laps(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """Laps are numbered from 1, the same number in every frame, and know their session."""
        simulator, laps = stint
        for number, lap in enumerate(laps, start=1):
            assert set(lap.frames.column("lap_number").to_pylist()) == {number}
            assert lap.session is simulator.session
            assert lap.lap_id == lap_id_for(simulator.session.session_id, number)

    def test_stays_on_the_road(self, stint: tuple[Simulator, list[Lap]]) -> None:
        """A simulated car never leaves the track nor enters the pits."""
        for lap in stint[1]:
            assert set(lap.frames.column("track_surface").to_pylist()) == {3}
            assert set(lap.frames.column("on_pit_road").to_pylist()) == {False}


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


class TestChance:
    def test_same_seed_same_laps(self) -> None:
        """The same arguments give the same session and bit-identical laps."""
        one, other = (Simulator(seed=21, track=KART) for _ in range(2))
        assert one.session == other.session
        for left, right in zip(one.laps(4), other.laps(4), strict=True):
            assert left.lap_id == right.lap_id
            assert left.lap_time == right.lap_time
            assert left.frames.equals(right.frames)

    def test_different_arguments_different_sessions(self) -> None:
        """Whatever changes the laps changes the session id, so that no two laps claim one identity."""
        driver = DRIVERS["Priya Raman"]
        variants = [
            Simulator(seed=1, track=KART, driver=driver),
            Simulator(seed=2, track=KART, driver=driver),
            Simulator(seed=1, driver=driver),
            Simulator(seed=1, track=KART, driver=DRIVERS["Mara Okafor"]),
            Simulator(seed=1, track=KART, driver=driver, car_id="other"),
            Simulator(seed=1, track=KART, driver=driver, started_at=DEFAULT_START + timedelta(hours=1)),
        ]
        assert len({simulator.session.session_id for simulator in variants}) == len(variants)

    def test_laps_differ(self) -> None:
        """No two laps are alike, of one driver, of two drivers, or of two seeds."""
        laps = [
            lap
            for seed, driver in itertools.product((1, 2), ("Ines Aubrac", "Bill Hartley"))
            for lap in Simulator(seed=seed, track=KART, driver=DRIVERS[driver]).laps(3)
        ]
        assert len({lap.lap_time for lap in laps}) == len(laps)
        assert len({content_sha256(lap.lap_time, lap.frames) for lap in laps}) == len(laps)

    def test_better_drivers_are_faster_and_steadier(self) -> None:
        """Skill shows in the mean lap time, consistency in how much lap times differ."""
        times = {
            name: [lap.lap_time or 0 for lap in Simulator(seed=5, driver=DRIVERS[name]).laps(12)][3:]
            for name in ("Ines Aubrac", "Bill Hartley")
        }
        assert np.mean(times["Ines Aubrac"]) + 2 < np.mean(times["Bill Hartley"])
        assert np.std(times["Ines Aubrac"]) < np.std(times["Bill Hartley"])

    def test_seed_picks_the_driver(self) -> None:
        """Without a driver, consecutive seeds bring every one of them."""
        picked = {Simulator(seed=seed).driver.name for seed in range(len(DRIVERS))}
        assert picked == set(DRIVERS)


class TestSession:
    def test_takes_what_it_is_given(self) -> None:
        """Session id, car, driver and start are the caller's where given."""
        session_id = uuid.UUID(int=5)
        started = datetime(2026, 7, 1, 20, 30, tzinfo=timezone(timedelta(hours=2)))
        driver = Driver("Someone", skill=0.9)
        simulator = Simulator(
            seed=1,
            track=KART,
            driver=driver,
            car_id="gt4",
            car_name="GT4",
            session_id=session_id,
            started_at=started,
        )
        assert simulator.driver is driver
        session = simulator.session
        assert (session.session_id, session.car_id, session.car_name) == (session_id, "gt4", "GT4")
        assert (session.track_id, session.track_name) == (KART, TRACKS[KART].name)
        assert session.timestamp == started
        (lap,) = simulator.laps(1)
        first = lap.frames.column("timestamp")[0].as_py()
        assert first == started.astimezone(UTC) + timedelta(microseconds=16666)

    def test_naive_start_is_utc(self) -> None:
        """A start without an offset is UTC, as on the wire."""
        started = datetime(2026, 7, 1, 20, 30)  # noqa: DTZ001 (that is the point)
        assert Simulator(seed=1, started_at=started).session.timestamp == started.replace(tzinfo=UTC)

    def test_unknown_track(self) -> None:
        """A track that is not there is refused when the simulator is made."""
        with pytest.raises(KeyError):
            Simulator(seed=1, track="nowhere")
