"""What an export is called, and what makes its lap the same lap."""

import shutil
from pathlib import Path

import pytest
from tests.rig.sources.garage61.exports import NAME, lap_rows, text

from racing_coach_core.content import content_sha256
from racing_coach_core.identity import lap_id_for
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.garage61.export import parse_export_name, read_garage61
from racing_coach_rig.sources.labels import Labels


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
    assert (session.driver_id, session.driver_name) == ("A Driver", "A Driver")
    assert result.notes == []


def test_what_is_given_counts_more_than_the_name(tmp_path: Path) -> None:
    """A forgotten or wrong track can be made good: the lap is then another session's, and not refused."""
    path = tmp_path / NAME
    path.write_text(text(lap_rows()))
    named, given = read_garage61(path).laps[0], read_garage61(path, Labels(track="Spa", car="911")).laps[0]
    assert (given.session.track_id, given.session.track_name) == ("Spa", "Spa")
    assert (given.session.car_id, given.session.car_name) == ("911", "911")
    assert given.session.session_id != named.session.session_id
    again = read_garage61(path, Labels(track="Spa", car="911")).laps[0]
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
    assert parse_export_name(Path(name)) == (None, None, None, None)


def test_a_missing_file_is_an_error_that_says_so(path: Path) -> None:
    """The operating system's reason is passed on."""
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_garage61(path)


def test_who_drove_is_told_and_makes_no_other_lap(path: Path, tmp_path: Path) -> None:
    """The rig's driver counts more than the file's name; whoever it is, the lap is the same."""
    path.write_text(text(lap_rows()))
    named = tmp_path / NAME
    shutil.copy(path, named)
    told = Labels(track="Road Atlanta (Full Course)", car="Mazda MX-5 Cup")
    laps = [
        read_garage61(path, told).laps[0],
        read_garage61(named).laps[0],
        read_garage61(named, Labels(driver="Jo Example")).laps[0],
    ]
    assert [lap.session.driver_name for lap in laps] == [None, "A Driver", "Jo Example"]
    assert [lap.session.driver_id for lap in laps] == [None, "A Driver", "Jo Example"]
    assert len({lap.lap_id for lap in laps}) == 1
    assert len({lap.session.session_id for lap in laps}) == 1


def test_names_that_are_long_or_not_latin_are_no_ones_else(tmp_path: Path) -> None:
    """An id is cut where the wire cuts it, and is never made of nothing."""
    for name in ("山田 太郎", "D" * 300):
        session = read_garage61(_export(tmp_path, NAME), Labels(driver=name)).laps[0].session
        assert (session.driver_id, session.driver_name) == (name[:64], name[:256])


def _export(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text(text(lap_rows()))
    return path


def test_a_file_of_two_rigs_is_a_session_of_each(path: Path) -> None:
    """A session has one rig; the second would be rejected. A renamed rig is another one."""
    path.write_text(text(lap_rows()))
    one, again, other = (read_garage61(path, Labels(rig=rig)).laps[0] for rig in ("rig-1", "rig-1", "rig-2"))
    assert one.session.session_id == again.session.session_id != other.session.session_id


def test_a_label_that_repeats_the_file_changes_nothing(tmp_path: Path) -> None:
    """By its name or by its id."""
    path = _export(tmp_path, NAME)
    own = read_garage61(path).laps[0]
    for track in ("Road Atlanta (Full Course)", "Road-Atlanta-Full-Course"):
        assert read_garage61(path, Labels(track=track)).laps[0].session == own.session
