"""The simulated driver: laps as a rig sends them, the same for the same seed."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from tests.rig.sources.simulation.stints import KART, RATE, column

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_core.content import content_sha256
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import (
    DEFAULT_START,
    DRIVERS,
    TRACKS,
    Driver,
    Simulator,
)


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
