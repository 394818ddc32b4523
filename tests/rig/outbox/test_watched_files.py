"""A watched file is read once in each of its states."""

from pathlib import Path

from racing_coach_rig.outbox.outbox import Outbox


def test_a_file_is_read_once_in_each_state(outbox: Outbox, tmp_path: Path) -> None:
    """A watched file is new until its laps are spooled, and again when it has grown."""
    file = tmp_path / "lap.ibt"
    assert outbox.files.is_new(file, 100, 5)
    outbox.files.was_read(file, 100, 5)
    assert not outbox.files.is_new(file, 100, 5)
    assert outbox.files.is_new(file, 200, 5)
    assert outbox.files.is_new(file, 100, 6)
    outbox.files.was_read(file, 200, 6)
    assert outbox.files.is_new(file, 100, 5)
    assert not outbox.files.is_new(file, 200, 6)
