"""Topics are built, taken apart and subscribed to by one template each; no name breaks out of its segment."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_core.exceptions import Fault, InvalidTopicError
from racing_coach_core.topics import SEGMENT_PATTERN, Topics, TopicTemplate, is_segment, to_segment

TOPICS = Topics()
SEGMENTS = st.from_regex(re.compile(SEGMENT_PATTERN), fullmatch=True)
TEMPLATES = [
    TOPICS.laps,
    TOPICS.rig_status,
    TOPICS.lap_answers,
    TOPICS.coaching,
    TOPICS.health_state,
    TOPICS.heartbeat,
]


def matches(subscription: str, topic: str) -> bool:
    """MQTT 5, section 4.7.1, for filters with `+` alone."""
    wanted, found = subscription.split("/"), topic.split("/")
    return len(wanted) == len(found) and all(w in {"+", f} for w, f in zip(wanted, found, strict=True))


@pytest.mark.parametrize(
    ("template", "topic"),
    [
        (TOPICS.laps, "racing-coach/v1/rigs/a/cars/b/laps"),
        (TOPICS.rig_status, "racing-coach/v1/rigs/a/status"),
        (TOPICS.lap_answers, "racing-coach/v1/acks/a/cars/b/laps"),
        (TOPICS.coaching, "racing-coach/v1/coaching/a/cars/b"),
        (TOPICS.health_state, "racing-coach/v1/health/a/state"),
        (TOPICS.heartbeat, "racing-coach/v1/health/a/heartbeat"),
    ],
)
def test_the_topics_are_those_of_the_contract(template: TopicTemplate, topic: str) -> None:
    """Every topic has the name that the wire contract gives it."""
    names = re.findall(r"\{(\w+)\}", template.template)
    assert template.build(**dict(zip(names, "ab", strict=False))) == topic


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.template)
@given(data=st.data())
def test_what_is_built_is_taken_apart_again(template: TopicTemplate, data: st.DataObject) -> None:
    """`parse` gives back what `build` was given, and the template's own filters match the topic."""
    segments = {name: data.draw(SEGMENTS) for name in re.findall(r"\{(\w+)\}", template.template)}
    topic = template.build(**segments)
    first = next(iter(segments))

    assert template.parse(topic) == segments
    assert matches(template.filter, topic)
    assert matches(template.filter_for(**{first: segments[first]}), topic)
    assert not matches(template.filter_for(**{first: "another" + segments[first]}), topic)


@given(st.text(max_size=80))
def test_a_name_that_is_no_segment_is_refused(name: str) -> None:
    """Slashes, wildcards, NUL, blanks, nothing and too much never get into a topic."""
    if re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", name):
        assert TOPICS.rig_status.parse(TOPICS.rig_status.build(rig=name)) == {"rig": name}
        return
    with pytest.raises(InvalidTopicError) as raised:
        TOPICS.rig_status.build(rig=name)
    assert raised.value.fault is Fault.SENDER


@pytest.mark.parametrize("name", ["a\n", "ä", "+", "#", "a/b", "", "x" * 65, "a b", "a\0"])
def test_names_that_nearly_are_segments(name: str) -> None:
    """A newline at the end, a letter that is not ASCII and the like are no segments."""
    assert not is_segment(name)


@pytest.mark.parametrize(
    "topic",
    [
        "racing-coach/v1/rigs/a/cars/b",
        "racing-coach/v1/rigs/a/cars/b/laps/",
        "racing-coach/v2/rigs/a/cars/b/laps",
        "/racing-coach/v1/rigs/a/cars/b/laps",
        "",
    ],
)
def test_another_topic_does_not_match(topic: str) -> None:
    """`match` says None, and `parse` raises, for a topic of another form."""
    assert TOPICS.laps.match(topic) is None
    with pytest.raises(InvalidTopicError, match="is not of the form"):
        TOPICS.laps.parse(topic)


def test_a_sender_that_named_itself_wrongly_can_be_found() -> None:
    """`match` gives segments unchecked, so that even a wrongly named rig gets its answer."""
    segments = TOPICS.laps.match("racing-coach/v1/rigs/my rig/cars/b/laps")
    assert segments == {"rig": "my rig", "car": "b"}
    assert TOPICS.lap_answers.build_unchecked(**segments) == "racing-coach/v1/acks/my rig/cars/b/laps"
    with pytest.raises(InvalidTopicError, match="my rig"):
        TOPICS.laps.check("x", segments)


@given(st.text(max_size=200))
def test_any_name_has_a_segment(name: str) -> None:
    """`to_segment` always gives a legal name, and leaves a legal one alone unless it ends in hyphens."""
    segment = to_segment(name)
    assert is_segment(segment)
    if is_segment(name) and name == name.strip("-"):
        assert segment == name


def test_the_prefix_may_be_another() -> None:
    """A configured prefix stands before every topic."""
    assert Topics("home/sim").laps.build(rig="a", car="b") == "home/sim/rigs/a/cars/b/laps"
    assert Topics("home/sim").answers_below("a") == "home/sim/acks/a/"
