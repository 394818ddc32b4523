"""A Garage 61 export becomes one lap, exactly; anything else becomes an error that says what to do."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.identity import content_sha256, lap_id_for
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.garage61 import parse_export_name, read_garage61

HEADER = (
    "Speed,LapDistPct,Lat,Lon,Brake,Throttle,RPM,SteeringWheelAngle,Gear,Clutch,ABSActive,DRSActive,"
    "LatAccel,LongAccel,VertAccel,Yaw,YawRate,PositionType"
)
NAME = "Garage 61 - A Driver - Mazda MX-5 Cup - Road Atlanta (Full Course) - 00.05.000 - 01KABC.csv"


def row(pct: float, **cells: str) -> list[str]:
    values = {
        "Speed": "63.145733",
        "LapDistPct": f"{pct:.8g}",
        "Lat": "34.15042559313468",
        "Lon": "-83.81419524794947",
        "Brake": "0",
        "Throttle": "0.7342188",
        "RPM": "6989.3467",
        "SteeringWheelAngle": "-0.14926808",
        "Gear": "5",
        "Clutch": "1",
        "ABSActive": "false",
        "DRSActive": "true",
        "LatAccel": "-8.35373",
        "LongAccel": "2.8371124",
        "VertAccel": "11.339798",
        "Yaw": "-1.5189337",
        "YawRate": "-0.15440542",
        "PositionType": "3",
    } | cells
    return [values[name] for name in HEADER.split(",")]


def lap_rows(count: int = 300) -> list[list[str]]:
    return [row((i + 0.5) / count) for i in range(count)]


def text(rows: list[list[str]], header: str = HEADER, newline: str = "\n") -> str:
    return newline.join([header, *(",".join(cells) for cells in rows)]) + newline


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lap.csv"


def test_a_lap_is_read_whole(path: Path) -> None:
    """Every row is a frame, a frame is a 60th of a second, and the columns have their channels' units."""
    path.write_text(text(lap_rows(300)))
    result = read_garage61(path)
    (lap,) = result.laps
    frames = lap.frames
    assert frames.schema == LAP_SCHEMA
    assert (frames.num_rows, lap.lap_time, lap.lap_number) == (300, 5.0, 1)
    assert check_frames(frames) == []
    assert is_valid_lap(frames)
    first = frames.slice(0, 1).to_pylist()[0]
    assert first["gear"] == 5
    assert first["steering_angle"] == np.float32(-0.14926808)
    assert first["yaw_rate"] == np.float32(-0.15440542)
    assert (first["track_surface"], first["on_pit_road"]) == (3, False)
    assert first["lap_distance"] is None
    assert (result.refused, result.sessions) == ([], [lap.session])


def test_the_clock_starts_in_1970_and_runs_at_60_hz(path: Path) -> None:
    """The file does not say when the lap was driven, and the same file must always give the same lap."""
    path.write_text(text(lap_rows(300)))
    frames = read_garage61(path).laps[0].frames
    stamps = frames.column("timestamp").to_pylist()
    assert stamps[0] == datetime(1970, 1, 1, tzinfo=UTC)
    assert stamps[299] == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=4_983_333)
    assert frames.column("session_time").to_pylist() == [i / 60 for i in range(300)]


def test_the_time_of_recording_may_be_given(path: Path) -> None:
    """With `recorded_at` the timestamps start there, and it is another session."""
    path.write_text(text(lap_rows()))
    at = datetime(2026, 5, 1, 14, 0, tzinfo=UTC)
    lap = read_garage61(path, recorded_at=at).laps[0]
    assert lap.frames.column("timestamp")[0].as_py() == at
    assert lap.session.timestamp == at
    assert lap.session.session_id != read_garage61(path).laps[0].session.session_id


coordinates = st.floats(-180, 180, allow_nan=False)
reals = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@given(st.lists(st.tuples(coordinates, reals), min_size=50, max_size=60))
def test_numbers_are_exact(tmp_path_factory: pytest.TempPathFactory, values: list[tuple[float, float]]) -> None:
    """Coordinates are the file's to the last bit of 64, all others to the last bit of 32."""
    count = len(values)
    rows = [row((i + 0.5) / count, Lat=repr(lat), Speed=repr(speed)) for i, (lat, speed) in enumerate(values)]
    path = tmp_path_factory.mktemp("exact") / "lap.csv"
    path.write_text(text(rows))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("latitude").to_pylist() == [lat for lat, _ in values]
    assert frames.column("speed").to_pylist() == [speed for _, speed in values]


def test_the_row_of_the_next_lap_is_dropped(path: Path) -> None:
    """Where the last row has wrapped to 0 it belongs to the next lap, and not into the lap time."""
    path.write_text(text([*lap_rows(300), row(0.0), row(0.002)]))
    (lap,) = read_garage61(path).laps
    assert (lap.frames.num_rows, lap.lap_time) == (300, 5.0)


def test_columns_go_by_name(path: Path) -> None:
    """Another order, further columns, and columns that older exports lack make no difference."""
    path.write_text(text(lap_rows()))
    whole = read_garage61(path).laps[0].frames
    names = HEADER.split(",")
    kept = [n for n in reversed(names) if n not in {"YawRate", "DRSActive"}]
    lines = [[*(cells[names.index(n)] for n in kept), "whatever", '"a, b"'] for cells in lap_rows()]
    path.write_text(text(lines, ",".join([*kept, "P2PActive", "Notes"])))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("yaw_rate").null_count == frames.num_rows
    others = [n for n in LAP_SCHEMA.names if n != "yaw_rate"]
    assert frames.select(others).equals(whole.select(others))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_do_not_matter(path: Path, newline: str, bom: str) -> None:
    """Spreadsheets on Windows add both when they save the file."""
    path.write_bytes((bom + text(lap_rows(), newline=newline)).encode())
    assert read_garage61(path).laps[0].frames.num_rows == 300


def test_position_type_becomes_surface_and_pit_road(path: Path) -> None:
    """Garage 61 counts 0 unknown, 1 pit lane, 2 pit stop, 3 on track, 4 off track: other numbers than iRacing."""
    rows = lap_rows()
    for index, value in enumerate("01234"):
        rows[index][-1] = value
    path.write_text(text(rows))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("track_surface").to_pylist()[:6] == [None, 2, 1, 3, 0, 3]
    assert frames.column("on_pit_road").to_pylist()[:6] == [None, True, True, False, False, False]
    assert not is_valid_lap(frames)


def test_an_empty_cell_of_an_optional_column_is_null(path: Path) -> None:
    """No value is not zero."""
    rows = lap_rows()
    rows[7][HEADER.split(",").index("RPM")] = ""
    rows[8][HEADER.split(",").index("Gear")] = ""
    path.write_text(text(rows))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("rpm").to_pylist()[6:9] == [np.float32(6989.3467), None, np.float32(6989.3467)]
    assert frames.column("gear").to_pylist()[7:10] == [5, None, 5]


def test_the_same_file_gives_the_same_lap(path: Path, tmp_path: Path) -> None:
    """Whatever it is called, as long as its name does not say another track or car."""
    path.write_text(text(lap_rows()))
    copy = tmp_path / "copy (1).csv"
    shutil.copy(path, copy)
    one, two = read_garage61(path).laps[0], read_garage61(copy).laps[0]
    assert (one.lap_id, one.session) == (two.lap_id, two.session)
    assert one.lap_id == lap_id_for(one.session.session_id, 1)
    assert content_sha256(one.lap_time, one.frames) == content_sha256(two.lap_time, two.frames)


def test_other_content_is_another_session(path: Path) -> None:
    """One digit in one cell."""
    rows = lap_rows()
    path.write_text(text(rows))
    one = read_garage61(path).laps[0]
    rows[0][0] = "63.145734"
    path.write_text(text(rows))
    assert read_garage61(path).laps[0].session.session_id != one.session.session_id


def test_track_car_and_driver_come_from_the_export_name(tmp_path: Path) -> None:
    """The name of the file is the only place that has them."""
    path = tmp_path / NAME
    path.write_text(text(lap_rows()))
    result = read_garage61(path)
    session = result.laps[0].session
    assert (session.track_name, session.track_id) == (
        "Road Atlanta (Full Course)",
        "Road-Atlanta-Full-Course",
    )
    assert (session.car_name, session.car_id) == ("Mazda MX-5 Cup", "Mazda-MX-5-Cup")
    assert result.driver == "A Driver"
    assert result.notes == []


def test_what_is_given_counts_more_than_the_name(tmp_path: Path) -> None:
    """A forgotten or wrong track can be made good: the lap is then another session's, and not refused."""
    path = tmp_path / NAME
    path.write_text(text(lap_rows()))
    named, given = read_garage61(path).laps[0], read_garage61(path, track="Spa", car="911").laps[0]
    assert (given.session.track_id, given.session.track_name) == ("Spa", "Spa")
    assert (given.session.car_id, given.session.car_name) == ("911", "911")
    assert given.session.session_id != named.session.session_id
    again = read_garage61(path, track="Spa", car="911").laps[0]
    assert again.lap_id == given.lap_id


def test_track_and_car_that_nobody_says_are_unknown(path: Path) -> None:
    """And the driver is told how to say it."""
    path.write_text(text(lap_rows()))
    result = read_garage61(path)
    session = result.laps[0].session
    assert (session.track_id, session.track_name) == ("unknown", "unknown")
    assert (session.car_id, session.car_name) == ("unknown", "unknown")
    (note,) = result.notes
    assert "the file's name does not say the track and the car, so it is 'unknown'" in note
    assert "--track and --car" in note


@pytest.mark.parametrize(
    "name",
    ["lap.csv", "Garage 61 - A - B - C - 1.2.3.csv", "Garage 61 - A - B - Spa - GP - 01.02.003 - 01K.csv"],
)
def test_a_name_with_other_parts_is_not_guessed_at(name: str) -> None:
    """A hyphen in a name could be anywhere; a wrong track would be worse than none."""
    assert parse_export_name(Path(name)) == (None, None, None)


def replaced(at: int, name: str, cell: str) -> str:
    rows = lap_rows()
    rows[at][HEADER.split(",").index(name)] = cell
    return text(rows)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER + "\n", "has column names but no rows"),
        (HEADER, "has column names but no rows"),
        (text(lap_rows()).replace("LapDistPct", "Distance"), "lacks the column LapDistPct"),
        (text(lap_rows()).replace("Brake", "B").replace("Speed", "V"), "lacks the column Speed, Brake"),
        (text(lap_rows()).replace("Clutch", "Brake"), "has the column Brake twice"),
        (replaced(3, "Throttle", "full"), "row 5, column Throttle: 'full' is not a number"),
        (replaced(0, "Yaw", "1,5").replace("1,5", '"1,5"'), "row 2, column Yaw: '1,5' is not a number"),
        (replaced(299, "Speed", ""), "row 301, column Speed: is empty"),
        (replaced(3, "Speed", "nan"), "frames.3.speed: must be a finite number"),
        (replaced(3, "Speed", "1e39"), "frames.3.speed: must be a finite number"),
        (replaced(3, "Gear", "5.5"), "cannot be stored"),
        (replaced(3, "Gear", "70000"), "cannot be stored"),
        (text(lap_rows()[:10]) + "1,2,3\n", "row 12 has 3 cells where the header has 18"),
        (text(lap_rows()[150:]), "holds no complete lap: it begins at 50.2% of the lap"),
        (text(lap_rows()[:150]), "holds no complete lap: it ends at 49.8% of the lap"),
        (text(lap_rows()[:90] + lap_rows()[120:]), "from row 91 to the next it jumps from 29.8% to 40.2%"),
        (text(lap_rows() + lap_rows()), "from row 301 to the next it jumps from 99.8% to 0.2%"),
    ],
    ids=lambda value: None if "\n" in value or not value else value[:40],
)
def test_what_is_wrong_is_said(path: Path, content: str, reason: str) -> None:
    """The error names file, row and column where there is one."""
    path.write_text(content)
    with pytest.raises(SourceError) as caught:
        read_garage61(path)
    assert reason in caught.value.reason
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfeS\x00p\x00", b"PK\x03\x04\x00\x00", b"\x80\x81\x82\n\x00"])
def test_other_files_are_refused(path: Path, content: bytes) -> None:
    """UTF-16, a spreadsheet, noise: an error and not a crash."""
    path.write_bytes(content)
    with pytest.raises(SourceError):
        read_garage61(path)


def test_a_broken_cell_encoding_is_refused(path: Path) -> None:
    """Bytes in the rows that are no UTF-8."""
    path.write_bytes(text(lap_rows()).encode().replace(b"0.7342188", b"0.73\xff188", 1))
    with pytest.raises(SourceError):
        read_garage61(path)


def test_a_missing_file_is_an_error_that_says_so(path: Path) -> None:
    """The operating system's reason is passed on."""
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_garage61(path)
