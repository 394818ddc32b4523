"""Files that are cut short, that lack something, or that are no recordings."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.rig.sources.iracing.ibt_writer import VARIABLES, drive, ibt_bytes, laps_of
from tests.rig.sources.iracing.recordings import write

from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.iracing.ibt import read_ibt


def test_a_file_cut_short_is_read_up_to_the_cut(path: Path) -> None:
    """The part of a record at the end is left out, and the driver is told."""
    path.write_bytes(ibt_bytes(drive(laps_of(2)))[:-10])
    result = read_ibt(path)
    assert len(result.laps) == 2
    assert [r.frames for r in result.refused] == [30, 29]
    part, count = result.notes
    assert "ends in a part of a frame" in part
    assert "of 260 frames it holds 259" in count


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
    "a variable far outside the record": patched(148, b"\xff\xff\xff\x7f"),
    "a variable before the record": patched(148, b"\xff\xff\xff\xff"),
    "a session number of fractions": ibt_bytes(drive(laps_of(1), variables={**VARIABLES, "SessionNum": "<f4"})),
    "records of gigabytes": patched(36, b"\xff\xff\xff\x7f"),
    "session info of gigabytes": patched(16, b"\xff\xff\xff\x7f"),
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


@pytest.mark.parametrize("first", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_a_recording_without_a_clock_is_refused(path: Path, first: float) -> None:
    """The wall clock is counted from the first frame's session time."""
    records = drive(laps_of(1))
    records["SessionTime"][0] = first
    with pytest.raises(SourceError, match="has no session time in its first frame"):
        read_ibt(write(path, records))


@pytest.mark.parametrize("later", [np.nan, np.inf, 1e300])
def test_a_clock_that_stops_costs_its_lap(path: Path, later: float) -> None:
    """The laps before and behind are as good as ever."""
    records = drive(laps_of(3))
    records["SessionTime"][180] = later
    assert [lap.lap_number for lap in read_ibt(write(path, records)).laps] == [2, 4]


def test_session_info_that_refers_to_itself_without_end_has_no_names(path: Path) -> None:
    """A few lines of YAML whose text would fill the memory."""
    lines = ["WeekendInfo:", " a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f" {new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghij")]
    info = "\n".join([*lines, " TrackDisplayName: *j", ""]).encode()
    session = read_ibt(write(path, drive(laps_of(1)), info=info)).laps[0].session
    assert session.track_name == "unknown"
