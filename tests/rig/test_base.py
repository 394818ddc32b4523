"""A file is read for what it is, whatever it is called."""

import gzip
import json
from pathlib import Path

import pytest

from racing_coach_core.frame_columns import json_frames
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.base import read_file
from racing_coach_rig.sources.simulator import Simulator

from .ibt_writer import drive, ibt_bytes, laps_of

CSV = "\n".join(["Speed,LapDistPct,Brake,Throttle", *(f"60,{(i + 0.5) / 100},0,1" for i in range(100))]).encode()


def lap_json() -> bytes:
    lap = next(iter(Simulator(seed=1).laps(1)))
    frames = [f | {"timestamp": f["timestamp"].isoformat()} for f in json_frames(lap.frames.slice(0, 50))]
    session = lap.session.model_dump(mode="json")
    return json.dumps({"session": session, "lap": {"lap_time": 1.5, "frames": frames}}).encode()


@pytest.mark.parametrize("name", ["recording.ibt", "recording.csv", "recording"])
def test_a_recording_is_read_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    """iRacing's header says what the file is."""
    path = tmp_path / name
    path.write_bytes(ibt_bytes(drive(laps_of(2))))
    assert [lap.lap_number for lap in read_file(path, car="Mine").laps] == [2, 3]
    assert read_file(path, car="Mine").laps[0].session.car_id == "Mine"


@pytest.mark.parametrize("name", ["lap.csv", "lap.CSV", "lap.txt"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_an_export_is_read_by_its_column_names(tmp_path: Path, name: str, start: bytes) -> None:
    """With or without a byte order mark; track and car are handed on."""
    path = tmp_path / name
    path.write_bytes(start + CSV)
    (lap,) = read_file(path, track="Spa", car="911").laps
    assert (lap.frames.num_rows, lap.session.track_id, lap.session.car_id) == (100, "Spa", "911")


@pytest.mark.parametrize("name", ["lap.json", "lap.csv", "lap"])
def test_a_lap_as_clients_send_it_is_read(tmp_path: Path, name: str) -> None:
    """JSON as it is or compressed."""
    path = tmp_path / name
    for content in (lap_json(), gzip.compress(lap_json())):
        path.write_bytes(content)
        assert read_file(path).laps[0].frames.num_rows == 50


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.ibt", b"", "is no .ibt file: it is empty"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"a,b\n1,2\n", "lacks the column LapDistPct, Speed"),
        ("a.txt", b"hello", "is none of the files that hold laps"),
        ("a.zip", b"PK\x03\x04", "is none of the files that hold laps"),
    ],
)
def test_a_file_without_laps_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """The reason is that of the kind of file its name promises."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_file(path)
    assert reason in caught.value.reason


def test_a_missing_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    """The operating system's reason is passed on."""
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_file(tmp_path / "nothing.ibt")


def test_a_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    """As a shell's wildcard may name one."""
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_file(tmp_path)
