"""Topics of the wire contract, version 1: build them, take them apart, subscribe to them.

>>> topics = Topics("racing-coach/v1")
>>> topics.laps.build(rig="rig-7", car="sim-gt3")
'racing-coach/v1/rigs/rig-7/cars/sim-gt3/laps'
>>> topics.laps.parse("racing-coach/v1/rigs/rig-7/cars/sim-gt3/laps")
{'rig': 'rig-7', 'car': 'sim-gt3'}
>>> topics.laps.filter
'racing-coach/v1/rigs/+/cars/+/laps'
>>> topics.laps.filter_for(rig="rig-7")
'racing-coach/v1/rigs/rig-7/cars/+/laps'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from racing_coach_core.exceptions import InvalidTopicError, shortened

DEFAULT_PREFIX: Final = "racing-coach/v1"
SEGMENT_PATTERN: Final = r"[A-Za-z0-9_.-]{1,64}"
_SEGMENT_RE: Final = re.compile(SEGMENT_PATTERN)
_FIELD_RE: Final = re.compile(r"\{(\w+)\}")


def is_segment(text: str) -> bool:
    """Whether a rig, car or instance name may stand in a topic.

    >>> is_segment("ferrari296gt3"), is_segment("no/slash"), is_segment("")
    (True, False, False)
    """
    return _SEGMENT_RE.fullmatch(text) is not None


def to_segment(text: str) -> str:
    """The nearest name that may stand in a topic, `unknown` where nothing is left.

    >>> to_segment("Ferrari 296 GT3"), to_segment("Nürburgring"), to_segment("  ")
    ('Ferrari-296-GT3', 'N-rburgring', 'unknown')
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")[:64] or "unknown"


@dataclass(frozen=True, slots=True)
class TopicTemplate:
    """A topic with named segments, such as `racing-coach/v1/rigs/{rig}/status`."""

    template: str

    def build(self, **segments: str) -> str:
        """The topic with these segments.

        Raises:
            InvalidTopicError: a segment that is not `[A-Za-z0-9_.-]{1,64}`.

        >>> TopicTemplate("rigs/{rig}/status").build(rig="no/slash")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        ...
        racing_coach_core.exceptions.InvalidTopicError: topic 'rigs/no/slash/status'
        """
        topic = self.template.format(**segments)
        for name, value in segments.items():
            _check_segment(topic, name, value)
        return topic

    def build_unchecked(self, **segments: str) -> str:
        """The topic with segments as they came in, to answer a sender that named itself wrongly."""
        return self.template.format(**segments)

    def match(self, topic: str) -> dict[str, str] | None:
        """The segments as they stand in the topic, unchecked, or None if it is another topic.

        >>> TopicTemplate("rigs/{rig}/status").match("rigs/a b/status")
        {'rig': 'a b'}
        >>> TopicTemplate("rigs/{rig}/status").match("rigs/a/laps") is None
        True
        """
        wanted, found = self.template.split("/"), topic.split("/")
        if len(wanted) != len(found):
            return None
        segments: dict[str, str] = {}
        for want, have in zip(wanted, found, strict=True):
            if field := _FIELD_RE.fullmatch(want):
                segments[field[1]] = have
            elif want != have:
                return None
        return segments

    def parse(self, topic: str) -> dict[str, str]:
        """The segments of a topic.

        Raises:
            InvalidTopicError: another topic, or a segment that is not `[A-Za-z0-9_.-]{1,64}`.
        """
        segments = self.match(topic)
        if segments is None:
            raise InvalidTopicError(topic, f"is not of the form {self.template}")
        self.check(topic, segments)
        return segments

    def check(self, topic: str, segments: Mapping[str, str]) -> None:
        """Hold segments that `match` found against the contract.

        Raises:
            InvalidTopicError: one that is not `[A-Za-z0-9_.-]{1,64}`.
        """
        for name, value in segments.items():
            _check_segment(topic, name, value)

    @property
    def filter(self) -> str:
        """The subscription that gets every topic of this form."""
        return _FIELD_RE.sub("+", self.template)

    def filter_for(self, **segments: str) -> str:
        """The subscription with some segments given and the others open."""
        return _FIELD_RE.sub(lambda field: segments.get(field[1], "+"), self.template)


def _check_segment(topic: str, name: str, value: str) -> None:
    if not is_segment(value):
        raise InvalidTopicError(topic, f"{name} {shortened(value)!r} must be 1 to 64 letters, digits, '_', '.' or '-'")


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of the contract below one prefix."""

    prefix: str = DEFAULT_PREFIX

    @property
    def laps(self) -> TopicTemplate:
        """Rig to daemon: one finished lap."""
        return TopicTemplate(f"{self.prefix}/rigs/{{rig}}/cars/{{car}}/laps")

    @property
    def rig_status(self) -> TopicTemplate:
        """Rig to anyone, retained: whether it is there."""
        return TopicTemplate(f"{self.prefix}/rigs/{{rig}}/status")

    @property
    def lap_answers(self) -> TopicTemplate:
        """Daemon to rig: the answer to a lap."""
        return TopicTemplate(f"{self.prefix}/acks/{{rig}}/cars/{{car}}/laps")

    def answers_below(self, rig: str) -> str:
        """The only place in which a rig may ask for its answers."""
        return f"{self.prefix}/acks/{rig}/"

    @property
    def coaching(self) -> TopicTemplate:
        """Daemon to rig: coaching for the last lap."""
        return TopicTemplate(f"{self.prefix}/coaching/{{rig}}/cars/{{car}}")

    @property
    def health_state(self) -> TopicTemplate:
        """Daemon to monitoring, retained: whether it is there."""
        return TopicTemplate(f"{self.prefix}/health/{{instance}}/state")

    @property
    def heartbeat(self) -> TopicTemplate:
        """Daemon to monitoring: how it is, at an interval."""
        return TopicTemplate(f"{self.prefix}/health/{{instance}}/heartbeat")

    @property
    def doctor(self) -> TopicTemplate:
        """The daemon's user to itself: what `racing-coach doctor` tries out, where nobody else listens."""
        return TopicTemplate(f"{self.prefix}/doctor/{{instance}}")
