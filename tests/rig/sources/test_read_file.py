"""A file is read for what it is, whatever it is called."""

import gzip
import json
import os
from pathlib import Path

import pytest
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of

from racing_coach_core.frame_columns import json_frames
from racing_coach_rig.exceptions import FileAccessError, SourceError
from racing_coach_rig.sources.labels import Labels
from racing_coach_rig.sources.read_file import read_file
from racing_coach_rig.sources.simulator import Simulator

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
    assert [lap.lap_number for lap in read_file(path, Labels(car="Mine")).laps] == [2, 3]
    assert read_file(path, Labels(car="Mine")).laps[0].session.car_id == "Mine"


@pytest.mark.parametrize("name", ["lap.csv", "lap.CSV", "lap.txt"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_an_export_is_read_by_its_column_names(tmp_path: Path, name: str, start: bytes) -> None:
    """With or without a byte order mark; track and car are handed on."""
    path = tmp_path / name
    path.write_bytes(start + CSV)
    (lap,) = read_file(path, Labels(track="Spa", car="911")).laps
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


@pytest.mark.parametrize("name", ["lap.csv", "lap.json", "lap.arrow"])
def test_a_file_of_gigabytes_is_refused_unread(tmp_path: Path, name: str) -> None:
    """Its size is looked at first: memory is for laps."""
    path = tmp_path / name
    path.write_bytes({"lap.arrow": b"\xff\xff\xff\xff"}.get(name, b""))
    os.truncate(path, 6 * 2**30)
    with pytest.raises(SourceError, match=r"is too large for one lap: 6,442,450,944 bytes of at most 134,217,728"):
        read_file(path)


def test_a_pipe_is_refused_unopened(tmp_path: Path) -> None:
    """Nobody may ever write to it."""
    path = tmp_path / "lap.csv"
    os.mkfifo(path)
    with pytest.raises(SourceError, match="no file but a pipe"):
        read_file(path)


def test_an_error_that_nobody_thought_of_is_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops no other file."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    path = tmp_path / "lap.csv"
    path.write_bytes(CSV)
    monkeypatch.setattr("racing_coach_rig.sources.read_file.read_garage61", broken)
    with pytest.raises(SourceError, match=r"could not be read: ZeroDivisionError\(\)") as caught:
        read_file(path)
    assert not isinstance(caught.value, FileAccessError)


def test_what_the_system_refuses_may_be_read_later(tmp_path: Path) -> None:
    """It is told apart from a damaged file, which is not tried again."""
    with pytest.raises(FileAccessError):
        read_file(tmp_path / "nothing.csv")
