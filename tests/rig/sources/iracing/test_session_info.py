"""Track, car, driver and session, from something like YAML."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.rig.sources.iracing.ibt_writer import drive, laps_of, session_info
from tests.rig.sources.iracing.recordings import write

from racing_coach_core.identity import lap_id_for
from racing_coach_core.topics import is_segment
from racing_coach_rig.sources.iracing.ibt import read_ibt
from racing_coach_rig.sources.labels import Labels


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
    assert (session.driver_id, session.driver_name) == ("4712", "A Driver")
    assert result.laps[0].lap_id == lap_id_for(session.session_id, 2)


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
    assert result.laps[0].session.driver_name == driver


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
    given = read_ibt(path, Labels(track="Nürburgring Nordschleife", car="Mazda MX-5 Cup")).laps[0].session
    assert (given.track_name, given.car_name) == ("Nürburgring Nordschleife", "Mazda MX-5 Cup")
    assert is_segment(given.car_id)
    assert given.session_id != session.session_id


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


@pytest.mark.parametrize(
    ("own", "theirs", "found"),
    [("4712", "", "4712"), ("0", " UserID: 7", "7"), ("", "", None), ("-1", " UserID: x", None)],
    ids=["the player's", "of the entry", "nowhere", "nobody's"],
)
def test_the_drivers_number_is_the_users(path: Path, own: str, theirs: str, found: str | None) -> None:
    """iRacing's user number; 0, -1 and what is no number are nobody's."""
    info = session_info().decode("cp1252").replace("DriverUserID: 4712", f"DriverUserID: {own}")
    info = info.replace("   UserName: A Driver\n", f"   UserName: A Driver\n  {theirs}\n")
    session = read_ibt(write(path, drive(laps_of(1)), info=info.encode("cp1252"))).laps[0].session
    assert (session.driver_id, session.driver_name) == (found, "A Driver")


def test_who_drove_makes_no_other_lap(path: Path) -> None:
    """The rig's driver counts more than the recording's; session and lap are the same."""
    own = read_ibt(write(path, drive(laps_of(1)))).laps[0]
    told = read_ibt(path, Labels(driver="Jo Example")).laps[0]
    assert (told.session.driver_id, told.session.driver_name) == ("Jo Example", "Jo Example")
    assert (told.lap_id, told.session.session_id) == (own.lap_id, own.session.session_id)


@pytest.mark.parametrize("labels", [Labels(track="403"), Labels(track="Testring"), Labels(car="161")], ids=str)
def test_a_label_that_repeats_the_file_changes_nothing(path: Path, labels: Labels) -> None:
    """The configuration stays, or the daemon would find another track in a known session, and reject it."""
    own = read_ibt(write(path, drive(laps_of(1)))).laps[0].session
    assert own.track_config_name == "Grand Prix"
    assert read_ibt(path, labels).laps[0].session == own


def test_another_configuration_is_another_session(tmp_path: Path) -> None:
    """Whatever the daemon compares is in the id."""
    info = session_info().replace(b"Grand Prix", b"National")
    one = read_ibt(write(tmp_path / "1.ibt", drive(laps_of(1)))).laps[0].session
    two = read_ibt(write(tmp_path / "2.ibt", drive(laps_of(1)), info=info)).laps[0].session
    assert one.session_id != two.session_id


def test_a_file_of_two_rigs_is_a_session_of_each(path: Path) -> None:
    """A session has one rig; the second would be rejected."""
    write(path, drive(laps_of(1)))
    one, again, other = (read_ibt(path, Labels(rig=rig)).laps[0] for rig in ("rig-1", "rig-1", "rig-2"))
    assert one.session.session_id == again.session.session_id != other.session.session_id
