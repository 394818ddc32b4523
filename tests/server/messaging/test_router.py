"""From a topic to its handler."""

from racing_coach_core.topics import Topics
from racing_coach_server.config import Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.messaging.router import Router
from racing_coach_server.telemetry.handlers import LapHandler, telemetry


def router() -> Router:
    return Router(telemetry(Dependencies(Settings(_env_file=None))).routes)


def test_it_subscribes_to_the_laps_of_every_rig_and_car() -> None:
    """One filter a route, a `+` for each segment."""
    assert router().filters == ["racing-coach/v1/rigs/+/cars/+/laps"]


def test_a_lap_finds_its_handler_and_its_segments() -> None:
    """Topic to handler, with the rig and the car that the topic names."""
    found = router().find("racing-coach/v1/rigs/rig-1/cars/gt3/laps")

    assert found is not None
    route, segments = found
    assert isinstance(route.handler, LapHandler)
    assert segments == {"rig": "rig-1", "car": "gt3"}


def test_segments_come_as_they_stand() -> None:
    """A name outside of the contract finds its handler too: it must be answered."""
    found = router().find("racing-coach/v1/rigs/a b//cars/x/laps".replace("//", "/"))

    assert found is not None
    assert found[1] == {"rig": "a b", "car": "x"}


def test_other_topics_have_no_handler() -> None:
    """Neither another level nor another prefix."""
    topics = Topics()
    for topic in (
        topics.rig_status.build(rig="rig-1"),
        topics.lap_answers.build(rig="rig-1", car="gt3"),
        "racing-coach/v2/rigs/rig-1/cars/gt3/laps",
        "racing-coach/v1/rigs/rig-1/cars/gt3/laps/1",
        "",
    ):
        assert router().find(topic) is None


def test_the_prefix_is_the_configured_one() -> None:
    """Another installation on the same broker has another prefix."""
    settings = Settings(_env_file=None, mqtt={"topic_prefix": "club/coach"})

    assert Router(telemetry(Dependencies(settings)).routes).filters == ["club/coach/rigs/+/cars/+/laps"]
