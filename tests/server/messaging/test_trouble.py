"""Trouble is said when it begins and when it ends, whoever is in it."""

from structlog.testing import capture_logs

from racing_coach_server.messaging.trouble import Trouble


def test_it_is_said_once_and_ended_once() -> None:
    """Not at every try."""
    trouble = Trouble("laps wait", "laps go on")
    with capture_logs() as log:
        trouble.began("no disk")
        trouble.began("still no disk")
        assert (bool(trouble), trouble.reason) == (True, "still no disk")
        trouble.ended()
        trouble.ended()

    assert [line["event"] for line in log] == ["laps wait", "laps go on"]
    assert (bool(trouble), trouble.reason) == (False, None)


def test_one_that_goes_on_does_not_end_the_trouble_of_another() -> None:
    """It lasts from the first who waits to the last."""
    trouble = Trouble("laps wait", "laps go on")
    with capture_logs() as log:
        trouble.began("first", 1)
        trouble.ended(2)
        trouble.began("second", 2)
        trouble.ended(2)
        assert trouble.reason == "first"
        trouble.ended(1)

    assert [line["event"] for line in log] == ["laps wait", "laps go on"]


def test_who_gives_up_waiting_says_nothing() -> None:
    """A stop is not the end of an outage."""
    trouble = Trouble("laps wait", "laps go on")
    with capture_logs() as log:
        trouble.began("no disk", 1)
        trouble.left(1)

    assert not trouble
    assert [line["event"] for line in log] == ["laps wait"]
