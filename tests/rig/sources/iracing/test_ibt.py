"""Laps come out of .ibt files as iRacing writes them, whole or growing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.rig.sources.iracing.ibt_writer import VARIABLES, drive, ibt_bytes, laps_of, session_info
from tests.rig.sources.iracing.recordings import identity, write

from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.validation import check_frames
from racing_coach_rig.sources.iracing.ibt import read_ibt
from racing_coach_rig.sources.labels import Labels


def test_complete_laps_are_read_and_the_rest_is_reported(path: Path) -> None:
    """Three laps between two halves of laps: three laps, two reasons, no frame lost."""
    result = read_ibt(write(path, drive(laps_of(3))))
    assert [lap.lap_number for lap in result.laps] == [2, 3, 4]
    assert [lap.frames.num_rows for lap in result.laps] == [100, 100, 100]
    assert [lap.lap_time for lap in result.laps] == pytest.approx([100 / 60] * 3, abs=1e-6)
    assert all(is_valid_lap(lap.frames) and not check_frames(lap.frames) for lap in result.laps)
    assert [(r.lap_number, r.frames) for r in result.refused] == [(1, 30), (5, 30)]
    assert [r.reason for r in result.refused] == [
        "no complete lap: it does not begin at the start/finish line",
        "no complete lap: the recording ends before the start/finish line",
    ]
    assert result.notes == []


def test_every_variable_becomes_its_channel_exactly(path: Path) -> None:
    """The columns are the file's values, bit for bit."""
    records = drive(
        laps_of(1),
        SessionFlags=0x8000_0001,
        Gear=-1,
        OnPitRoad=True,
        LFtempCL=np.float32(81.3),
        LFbrakeLinePress=np.float32(12.7),
    )
    frames = read_ibt(write(path, records)).laps[0].frames
    driven = records[30:130]
    for channel, variable in (
        ("session_time", "SessionTime"),
        ("lap_distance_pct", "LapDistPct"),
        ("lap_distance", "LapDist"),
        ("speed", "Speed"),
        ("gear", "Gear"),
        ("latitude", "Lat"),
        ("longitude", "Lon"),
        ("session_flags", "SessionFlags"),
        ("track_surface", "PlayerTrackSurface"),
        ("on_pit_road", "OnPitRoad"),
        ("lf_tire_temp_left", "LFtempCL"),
        ("lf_brake_pressure", "LFbrakeLinePress"),
    ):
        column = frames.column(channel).to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(column, driven[variable], err_msg=channel)


def test_timestamps_count_from_the_beginning_of_the_recording(path: Path) -> None:
    """The disk header's date is that of the first frame, wherever the session's clock stood then."""
    lap = read_ibt(write(path, drive(laps_of(1), started=932.0))).laps[0]
    first = lap.frames.column("timestamp")[0].as_py()
    assert first == datetime(2024, 5, 1, 12, tzinfo=UTC) + timedelta(seconds=0.5)
    stamps = lap.frames.column("timestamp").cast("int64").to_numpy()
    assert np.all(np.abs(np.diff(stamps) - 1e6 / 60) <= 1)


def test_another_clock_may_be_given(path: Path) -> None:
    """`recorded_at` is the wall clock of the first frame, in UTC when it has no offset."""
    write(path, drive(laps_of(1)))
    naive = datetime(2026, 1, 2, 3)  # noqa: DTZ001 (a naive time is what is tried)
    lap = read_ibt(path, Labels(recorded_at=naive)).laps[0]
    first = lap.frames.column("timestamp")[0].as_py()
    assert first == datetime(2026, 1, 2, 3, tzinfo=UTC) + timedelta(seconds=0.5)
    assert lap.session.session_id != read_ibt(path).laps[0].session.session_id


def test_the_same_file_gives_the_same_laps(path: Path) -> None:
    """Publishing a file again publishes duplicates."""
    write(path, drive(laps_of(2)))
    assert [identity(a) for a in read_ibt(path).laps] == [identity(a) for a in read_ibt(path).laps]


@pytest.mark.parametrize("cut", [1, 400, 5_000, 17_000])
def test_a_growing_file_keeps_the_laps_it_had(path: Path, cut: int) -> None:
    """What is read while iRacing writes is read again, the same, when the file is finished."""
    records = drive(laps_of(5), LapLastLapTime=np.repeat([-1.0, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2], 80))
    growing = ibt_bytes(records, finished=False)
    path.write_bytes(growing[:-cut])
    early = read_ibt(path)
    path.write_bytes(ibt_bytes(records))
    late = read_ibt(path)
    assert 3 <= len(early.laps) <= 5
    assert [identity(a) for a in late.laps][: len(early.laps)] == [identity(a) for a in early.laps]
    assert len(late.laps) == 5


def test_two_recordings_of_one_race_are_told_apart(tmp_path: Path) -> None:
    """iRacing begins another file when the driver gets out and in; their laps must not be mixed up."""
    info = session_info(subsession=4711)
    one = read_ibt(write(tmp_path / "1.ibt", drive(laps_of(1)), info=info))
    two = read_ibt(write(tmp_path / "2.ibt", drive(laps_of(1), started=500.0), info=info))
    assert one.laps[0].lap_number == two.laps[0].lap_number
    assert one.laps[0].lap_id != two.laps[0].lap_id
    other_day = write(tmp_path / "3.ibt", drive(laps_of(1)), info=info, start_date=1_714_651_200)
    assert read_ibt(other_day).laps[0].lap_id != one.laps[0].lap_id


def test_a_variable_the_car_lacks_is_a_null_column(path: Path) -> None:
    """Some cars have no brake line sensors, old recordings no wetness."""
    variables = {n: t for n, t in VARIABLES.items() if n not in {"LFbrakeLinePress", "TrackWetness"}}
    frames = read_ibt(write(path, drive(laps_of(1), variables=variables))).laps[0].frames
    assert frames.column("lf_brake_pressure").null_count == frames.num_rows
    assert frames.column("track_wetness").null_count == frames.num_rows
    assert frames.column("lf_tire_temp_left").null_count == 0


def test_session_flag_variables_may_be_missing_too(path: Path) -> None:
    """Without surface, pit road, IsOnTrack and SessionNum the position alone makes the laps."""
    needed = ("SessionTime", "Lap", "LapDistPct", "Speed", "Throttle", "Brake")
    records = drive(laps_of(2), variables={n: VARIABLES[n] for n in needed})
    assert len(read_ibt(write(path, records)).laps) == 2
