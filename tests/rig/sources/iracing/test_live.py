"""Laps of a running simulator: pyirsdk reads the memory, and a thread writes to it what iRacing would."""

import asyncio
import platform
import threading
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.rig.sources.iracing.ibt_writer import drive, laps_of, session_info
from tests.rig.sources.iracing.simulator import LOOKS, PACE, Simulator
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import LiveUnavailableError
from racing_coach_rig.sources.iracing import reader
from racing_coach_rig.sources.iracing.live import live_laps
from racing_coach_rig.sources.iracing.memory import SharedMemory
from racing_coach_rig.sources.iracing.reader import MAX_BATCHES, Pace
from racing_coach_rig.sources.iracing.recorder import Recorder
from racing_coach_rig.sources.labels import NO_LABELS, Labels

PER_LAP = 40


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "time", SimpleNamespace(monotonic=LOOKS.monotonic))
    monkeypatch.setattr(SharedMemory, "new_records", lambda memory: LOOKS.at(memory))


def small_laps(count: int) -> Any:
    return laps_of(count, PER_LAP, before=10, after=10)


async def collect(path: Path, count: int) -> list[Lap]:
    async with aclosing(live_laps(memory_file=path, pace=PACE)) as laps:
        return [await asyncio.wait_for(anext(laps), TIMEOUT_S) for _ in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Local_IRSDKMemMapFileName"


async def test_laps_are_yielded_as_they_are_driven(path: Path) -> None:
    """Each complete lap once, with the values the simulator wrote, and nothing of the rest."""
    records = drive(small_laps(3), LFtempCL=81.5)
    simulator = Simulator(path, session_info(subsession=99))
    began = datetime.now(UTC)
    with simulator.driving(records):
        laps = await collect(path, 3)
    ended = datetime.now(UTC)
    assert [lap.lap_number for lap in laps] == [2, 3, 4]
    for lap in laps:
        assert lap.lap_time == pytest.approx(PER_LAP / 60, abs=1e-4)
        assert check_frames(lap.frames) == []
        assert lap.lap_id == lap_id_for(lap.session.session_id, lap.lap_number)
        # A machine under load may miss a tick, but must not invent, repeat or swap one.
        times = lap.frames.column("session_time").to_numpy()
        written = records[np.searchsorted(records["SessionTime"], times)]
        assert len(np.unique(times)) == len(times) >= 0.8 * PER_LAP
        np.testing.assert_array_equal(times, written["SessionTime"])
        np.testing.assert_array_equal(lap.frames.column("lap_distance_pct").to_numpy(), written["LapDistPct"])
        np.testing.assert_array_equal(lap.frames.column("speed").to_numpy(), written["Speed"])
        assert set(lap.frames.column("lf_tire_temp_left").to_pylist()) == {81.5}
        stamps = lap.frames.column("timestamp").to_pylist()
        # The session's clock runs at 60 Hz and this simulator faster, so a lap seems to end later than it did.
        assert began <= stamps[0] <= ended
    session = laps[0].session
    assert all(lap.session == session for lap in laps)
    assert (session.track_id, session.car_id, session.session_type) == ("403", "161", "Practice")
    assert session.timestamp == laps[0].frames.column("timestamp")[0].as_py()


async def test_it_waits_for_the_simulator(path: Path) -> None:
    """The rig is started before the simulator, every time."""
    collecting = asyncio.create_task(collect(path, 1))
    await asyncio.sleep(0.2)
    assert not collecting.done()
    path.write_bytes(b"")
    await asyncio.sleep(0.1)
    path.write_bytes(bytes(4096))
    await asyncio.sleep(0.1)
    path.unlink()
    with Simulator(path, session_info()).driving(drive(small_laps(1))):
        (lap,) = await collecting
    assert lap.lap_number == 2


async def drive_twice(path: Path, first: bytes, second: bytes) -> list[Lap]:
    """A simulator that ends in the middle of a lap, and another one after it."""
    async with aclosing(live_laps(memory_file=path, pace=PACE)) as laps:
        with Simulator(path, first).driving(drive(small_laps(1), started=100)):
            early = await asyncio.wait_for(anext(laps), TIMEOUT_S)
        path.unlink()
        with Simulator(path, second).driving(drive(small_laps(1), started=500, lap=7)):
            late = await asyncio.wait_for(anext(laps), TIMEOUT_S)
    return [early, late]


async def test_it_survives_a_simulator_that_goes_away(path: Path) -> None:
    """Ticks that stand still are all that is left of a simulator that crashed; the next one is found."""
    early, late = await drive_twice(path, session_info(subsession=7), session_info(subsession=7))
    assert (early.lap_number, late.lap_number) == (2, 7)
    assert early.session == late.session, "the same online subsession, joined again"


async def test_each_start_offline_is_another_session(path: Path) -> None:
    """Offline every subsession is number 0, and its laps count from 1 again."""
    early, late = await drive_twice(path, session_info(), session_info())
    assert early.session.session_id != late.session.session_id


async def test_another_car_is_another_session(path: Path) -> None:
    """The daemon would reject a known session with another car."""
    early, late = await drive_twice(path, session_info(subsession=7, car=1), session_info(subsession=7, car=2))
    assert (early.session.car_id, late.session.car_id) == ("1", "2")
    assert early.session.session_id != late.session.session_id


async def test_practice_and_race_are_two_sessions(path: Path) -> None:
    """The session number changes while the driver sits in the car."""
    pct = small_laps(4)
    race = np.arange(len(pct)) >= 10 + 2.5 * PER_LAP
    records = drive(pct, SessionNum=race.astype(int))
    with Simulator(path, session_info(subsession=7)).driving(records):
        laps = await collect(path, 3)
    assert [lap.session.session_type for lap in laps] == ["Practice", "Practice", "Race"]
    assert laps[0].session == laps[1].session
    assert laps[1].session.session_id != laps[2].session.session_id


async def test_no_tick_is_lost_while_a_lap_is_dealt_with(path: Path) -> None:
    """Whoever takes the laps may take longer for one than the simulator for the next."""
    simulator = Simulator(path, session_info())
    with simulator.driving(drive(small_laps(3))):
        async with aclosing(live_laps(memory_file=path, pace=PACE)) as laps:
            first = await asyncio.wait_for(anext(laps), TIMEOUT_S)
            await eventually(lambda: simulator.written >= 3.5 * PER_LAP)
            second = await asyncio.wait_for(anext(laps), TIMEOUT_S)
            third = await asyncio.wait_for(anext(laps), TIMEOUT_S)
    assert [lap.lap_number for lap in (first, second, third)] == [2, 3, 4]
    assert min(second.frames.num_rows, third.frames.num_rows) >= 0.8 * PER_LAP


async def test_a_consumer_that_never_comes_back_in_time_costs_laps_and_not_memory(path: Path) -> None:
    """What waits is bounded; the laps that fall into the gap are gone, and none has a hole."""
    pace = Pace(poll=1 / 2000, batch=0, retry=0.05, stall=4)
    simulator = Simulator(path, session_info(), tick_s=1 / 500)
    with simulator.driving(drive(small_laps(100))):
        async with aclosing(live_laps(memory_file=path, pace=pace)) as laps:
            first = await asyncio.wait_for(anext(laps), TIMEOUT_S)
            await eventually(lambda: simulator.written > 2 * MAX_BATCHES)
            later = [await asyncio.wait_for(anext(laps), TIMEOUT_S) for _ in range(3)]
    assert (first.lap_number, later[0].lap_number > 10) == (2, True)
    for lap in later:
        assert np.max(np.diff(lap.frames.column("session_time").to_numpy())) < 1


async def test_a_lap_that_cannot_be_stored_does_not_stop_the_next(path: Path) -> None:
    """The daemon would reject it; it is left out here."""
    records = drive(small_laps(2))
    records["Speed"][10 : 10 + PER_LAP] = np.nan
    with Simulator(path, session_info()).driving(records):
        (lap,) = await collect(path, 1)
    assert lap.lap_number == 3


async def test_closing_ends_the_reading_thread(path: Path) -> None:
    """Nothing is left running behind."""
    with Simulator(path, session_info()).driving(drive(small_laps(1))):
        await collect(path, 1)
    assert "iracing-reader" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(platform.system() == "Windows", reason="there the simulator may run")
async def test_without_windows_it_says_so() -> None:
    """The error names the system and the other way to publish laps."""
    with pytest.raises(LiveUnavailableError, match=r"this is Linux.*\.ibt files"):
        await anext(live_laps())


async def test_the_rigs_driver_counts_more_than_the_simulators(path: Path) -> None:
    """As iRacing says it, unless the rig says who drives."""
    for labels, driver in ((NO_LABELS, ("4712", "A Driver")), (Labels(driver="Jo"), ("Jo", "Jo"))):
        with Simulator(path, session_info()).driving(drive(small_laps(1))):
            async with aclosing(live_laps(labels, memory_file=path, pace=PACE)) as laps:
                session = (await asyncio.wait_for(anext(laps), TIMEOUT_S)).session
        path.unlink()
        assert (session.driver_id, session.driver_name) == driver


async def test_no_two_laps_of_a_session_share_a_number(path: Path) -> None:
    """A simulator that is found again in the same session, and counts anew: the second lap would be rejected for ever."""
    info = session_info(subsession=7)
    async with aclosing(live_laps(memory_file=path, pace=PACE)) as laps:
        with Simulator(path, info).driving(drive(small_laps(1), started=100)):
            early = await asyncio.wait_for(anext(laps), TIMEOUT_S)
        path.unlink()
        with Simulator(path, info).driving(drive(small_laps(1), started=500)):
            late = await asyncio.wait_for(anext(laps), TIMEOUT_S)
    assert early.session == late.session
    assert (early.lap_number, late.lap_number) == (2, 3)
    assert late.frames["lap_number"].unique().to_pylist() == [3]
    assert early.lap_id != late.lap_id


async def test_what_goes_wrong_with_reading_ends_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of, of the library, of the system or of ours: it is logged, and the next lap comes."""
    read, took = SharedMemory.new_records, Recorder.take
    broken = {"reading": 3, "putting together": 2}

    def new_records(memory: SharedMemory) -> list[bytes] | None:
        if (broken := _count_down("reading")) is not None:
            raise broken
        return read(memory)

    def take(recorder: Recorder, batch: Any) -> list[Lap]:
        if (broken := _count_down("putting together")) is not None:
            raise broken
        return took(recorder, batch)

    def _count_down(what: str) -> Exception | None:
        broken[what] -= 1
        return ZeroDivisionError(what) if broken[what] >= 0 else None

    monkeypatch.setattr(SharedMemory, "new_records", new_records)
    monkeypatch.setattr(Recorder, "take", take)
    with Simulator(path, session_info()).driving(drive(small_laps(3)), wait=1.0):
        laps = await collect(path, 1)
    assert laps[0].lap_number >= 2
    assert all(left < 0 for left in broken.values())
