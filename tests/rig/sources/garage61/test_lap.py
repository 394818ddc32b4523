"""Numbers become one lap."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.rig.sources.garage61.exports import NAME, lap_rows, row, text

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.validation import check_frames
from racing_coach_rig.sources.garage61.export import read_garage61
from racing_coach_rig.sources.labels import Labels


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
    lap = read_garage61(path, Labels(recorded_at=at)).laps[0]
    assert lap.frames.column("timestamp")[0].as_py() == at
    assert lap.session.timestamp == at
    assert lap.session.session_id != read_garage61(path).laps[0].session.session_id


def test_the_row_of_the_next_lap_is_dropped(path: Path) -> None:
    """Where the last row has wrapped to 0 it belongs to the next lap, and not into the lap time."""
    path.write_text(text([*lap_rows(300), row(0.0), row(0.002)]))
    (lap,) = read_garage61(path).laps
    assert (lap.frames.num_rows, lap.lap_time) == (300, 5.0)


@pytest.mark.parametrize(
    ("rows", "lap_time"),
    [
        ([*(row((i + 1) / 5328) for i in range(5327)), row(0.0)], 88.800),
        ([row((i + 0.25) / 300) for i in range(300)], 5.0),
        ([row((i + 0.9) / 300.5) for i in range(300)], 5.0 + 0.5 / 60),
        ([*(row((i + 0.9) / 300.5) for i in range(300)), row(0.0013)], 5.0 + 0.5 / 60),
    ],
    ids=["a tick at both ends", "whole ticks", "half a tick more", "with a row of the next lap"],
)
def test_the_lap_time_is_the_time_between_the_crossings(path: Path, rows: list[list[str]], lap_time: float) -> None:
    """Not the number of rows, which is a tick short or long."""
    path.write_text(text(rows))
    assert read_garage61(path).laps[0].lap_time == pytest.approx(lap_time, abs=1e-5)


def test_a_car_that_stands_on_the_line_has_a_lap_time(path: Path) -> None:
    """The way to the next row tells nothing there."""
    rows = [row(0.0), row(0.0), *lap_rows(), row(0.9999), row(0.9999)]
    path.write_text(text(rows))
    assert read_garage61(path).laps[0].lap_time == pytest.approx(304 / 60, abs=1 / 60)


@pytest.mark.parametrize(
    ("official", "lap_time"),
    [("00.05.004", 5.004), ("00.04.996", 4.996), ("00.05.017", 5.0), ("01.18.783", 5.0), ("5 seconds", 5.0)],
)
def test_the_official_time_counts_where_it_agrees_within_a_tick(tmp_path: Path, official: str, lap_time: float) -> None:
    """The export's name has it; a name that says something else is another lap's."""
    path = tmp_path / NAME.replace("00.05.000", official)
    path.write_text(text(lap_rows()))
    assert read_garage61(path).laps[0].lap_time == pytest.approx(lap_time, abs=1e-9)


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
