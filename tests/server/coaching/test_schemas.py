"""The analysis and the wire have the same words, each in a list of its own: analysis needs numpy alone."""

from racing_coach_analysis import causes
from racing_coach_analysis import coaching as analysis
from racing_coach_core import coaching as wire


def test_causes_are_the_same() -> None:
    """None that the coach finds is unknown to rigs, and none that rigs know is never found."""
    assert [one.value for one in causes.Cause] == [one.value for one in wire.Cause]


def test_silences_are_the_same() -> None:
    """The same of the reasons to say nothing."""
    assert [one.value for one in analysis.Silence] == [one.value for one in wire.Silence]
