"""Laps come out of .ibt files as iRacing writes them: whole, growing, cut short, damaged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.identity import content_sha256, lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.topics import is_segment
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.ibt import read_ibt

from .ibt_writer import VARIABLES, drive, ibt_bytes, laps_of, session_info


def write(path: Path, records: Any, **kwargs: Any) -> Path:
    path.write_bytes(ibt_bytes(records, **kwargs))
    return path


def identity(lap: Lap) -> tuple[Any, ...]:
    return lap.lap_id, lap.session, content_sha256(lap.lap_time, lap.frames)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "testcar_testring 2024-05-01 12-00-00.ibt"


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


def test_track_car_and_session_come_from_the_session_info(path: Path) -> None:
    """The player's car among the drivers, the track, the type of the session."""
    result = read_ibt(write(path, drive(laps_of(1), SessionNum=1)))
    session = result.laps[0].session
    assert (session.track_id, session.track_name) == ("403", "Testring")
    assert (session.track_config_name, session.track_type) == ("Grand Prix", "road course")
    assert (session.car_id, session.car_name, session.car_class_id) == ("161", "Test Car GT3", "0")
    assert (session.series_id, session.session_type) == ("7", "Race")
    assert session.timestamp == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert result.sessions == [session]
    assert result.driver == "A Driver"
    assert result.laps[0].lap_id == lap_id_for(session.session_id, 2)


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
    lap = read_ibt(path, recorded_at=naive).laps[0]
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


def test_a_file_cut_short_is_read_up_to_the_cut(path: Path) -> None:
    """The part of a record at the end is left out, and the driver is told."""
    path.write_bytes(ibt_bytes(drive(laps_of(2)))[:-10])
    result = read_ibt(path)
    assert len(result.laps) == 2
    assert [r.frames for r in result.refused] == [30, 29]
    part, count = result.notes
    assert "ends in a part of a frame" in part
    assert "of 260 frames it holds 259" in count


def test_two_recordings_of_one_race_are_told_apart(tmp_path: Path) -> None:
    """iRacing begins another file when the driver gets out and in; their laps must not be mixed up."""
    info = session_info(subsession=4711)
    one = read_ibt(write(tmp_path / "1.ibt", drive(laps_of(1)), info=info))
    two = read_ibt(write(tmp_path / "2.ibt", drive(laps_of(1), started=500.0), info=info))
    assert one.laps[0].lap_number == two.laps[0].lap_number
    assert one.laps[0].lap_id != two.laps[0].lap_id
    other_day = write(tmp_path / "3.ibt", drive(laps_of(1)), info=info, start_date=1_714_651_200)
    assert read_ibt(other_day).laps[0].lap_id != one.laps[0].lap_id


def test_practice_and_race_of_one_file_are_two_sessions(path: Path) -> None:
    """Lap numbers start over in the race; its laps are another session's."""
    pct = laps_of(5)
    race = np.arange(len(pct)) >= 260
    lap = np.where(race, 0, 1) + np.cumsum(np.concatenate([[0], np.diff(pct) < -0.5])) - 3 * race
    result = read_ibt(write(path, drive(pct, SessionNum=race.astype(int), lap=lap)))
    assert [(x.session.session_type, x.lap_number) for x in result.laps] == [
        ("Practice", 2),
        ("Practice", 3),
        ("Race", 1),
        ("Race", 2),
    ]
    assert len({x.session.session_id for x in result.laps}) == 2
    assert "no complete lap: another session begins" in [r.reason for r in result.refused]


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


@pytest.mark.parametrize("name", ["SessionTime", "Lap", "LapDistPct", "Speed", "Throttle", "Brake"])
def test_a_file_without_a_required_variable_is_refused_by_name(path: Path, name: str) -> None:
    """The error names what is missing."""
    records = drive(laps_of(1), variables={n: t for n, t in VARIABLES.items() if n != name})
    with pytest.raises(SourceError, match=f"lacks variables that every lap needs: {name}$"):
        read_ibt(write(path, records))


def test_a_car_that_never_left_the_pits_is_refused_with_the_reason(path: Path) -> None:
    """No complete lap, but session, car and track were read."""
    records = drive(np.full(390, 0.055), lap=9, PlayerTrackSurface=1, OnPitRoad=True)
    result = read_ibt(write(path, records))
    assert result.laps == []
    (refused,) = result.refused
    assert refused.reason == "no complete lap: it begins in the pits"
    assert (refused.lap_number, refused.frames) == (9, 390)
    assert result.sessions[0].track_name == "Testring"
    assert result.sessions[0].car_name == "Test Car GT3"


def test_a_file_without_frames_is_refused_with_the_reason(path: Path) -> None:
    """iRacing has just begun to write."""
    result = read_ibt(write(path, drive([])))
    assert (result.laps, [r.reason for r in result.refused]) == (
        [],
        ["no complete lap: the file holds no frame yet"],
    )


@pytest.mark.parametrize(
    "driver",
    [
        "José Ñandú",
        'Bob "The Wall" O\'Neil',
        "Smith: the #1 [driver] {of} &all *times",
        "- dash, comma @at %percent",
        "Łukasz Żółć".encode("cp1252", "replace").decode("cp1252"),
        "C:\\temp\\new",
        ", leading comma",
        "~",
    ],
)
def test_odd_driver_names_do_not_hide_the_car(path: Path, driver: str) -> None:
    """The session info is not quite YAML: names stand in it as their owners wrote them."""
    result = read_ibt(write(path, drive(laps_of(1)), info=session_info(driver=driver)))
    assert result.laps[0].session.car_id == "161"
    assert result.driver == driver


@pytest.mark.parametrize(
    "info",
    [b"", b"---\nWeekendInfo:\n\tTrackName: [broken\n\nDriverInfo:\n Drivers: {{\n\n...", b"\x81\x8d" * 40],
    ids=["empty", "broken", "bytes"],
)
def test_unreadable_session_info_leaves_track_and_car_unknown(path: Path, info: bytes) -> None:
    """The laps are worth more than their labels, and the labels can be given."""
    write(path, drive(laps_of(1)), info=info)
    session = read_ibt(path).laps[0].session
    assert (session.track_id, session.car_id) == ("unknown", "unknown")
    given = read_ibt(path, track="Nürburgring Nordschleife", car="Mazda MX-5 Cup").laps[0].session
    assert (given.track_name, given.car_name) == ("Nürburgring Nordschleife", "Mazda MX-5 Cup")
    assert is_segment(given.car_id)
    assert given.session_id != session.session_id


def test_a_lap_with_a_value_that_cannot_be_stored_is_refused_alone(path: Path) -> None:
    """One bad lap does not cost the good ones."""
    records = drive(laps_of(3))
    records["Speed"][150] = np.nan
    records["Gear"][250] = 70_000
    result = read_ibt(write(path, records))
    assert [lap.lap_number for lap in result.laps] == [2]
    reasons = {r.lap_number: r.reason for r in result.refused if r.frames == 100}
    assert "lap.frames.20.speed: must be a finite number" in reasons[3]
    assert "70000" in reasons[4]


def patched(at: int, content: bytes) -> bytes:
    whole = ibt_bytes(drive(laps_of(1)))
    return whole[:at] + content + whole[at + len(content) :]


DAMAGED = {
    "empty": b"",
    "text": b"Speed,LapDistPct\n1,2\n" * 50,
    "cut in the header": patched(0, b"")[:100],
    "cut behind the header": patched(0, b"")[:200],
    "cut in the variables": patched(0, b"")[:1000],
    "cut in the session info": patched(0, b"")[:3500],
    "billions of buffers": patched(32, b"\xff\xff\xff\x7f"),
    "billions of variables": patched(24, b"\xff\xff\xff\x7f"),
    "no record length": patched(36, bytes(4)),
    "a variable outside the record": patched(148, b"\xff\xff\x00\x00"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(path: Path, name: str) -> None:
    """Whatever is wrong, it is an error with the file's name and not a crash."""
    path.write_bytes(DAMAGED[name])
    with pytest.raises(SourceError, match=r"is no \.ibt file: it ") as caught:
        read_ibt(path)
    assert caught.value.path == path


def test_a_missing_file_is_an_error_that_says_so(path: Path) -> None:
    """The operating system's reason is passed on."""
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_ibt(path)
