"""What a track map must be to be taken."""

from typing import Any

import pytest
from pydantic import ValidationError

from racing_coach_core.track_maps import TrackMapDocument


def corner(number: int, start: float, apex: float, end: float) -> dict[str, Any]:
    return {"number": number, "start": start, "apex": apex, "end": end}


def a_map(*corners: dict[str, Any]) -> dict[str, Any]:
    return {"track_id": 18, "corners": list(corners)}


def test_a_map_with_a_corner_over_start_finish_is_taken() -> None:
    """Numbers stay as they were given, and the track's id is text."""
    document = TrackMapDocument.model_validate(a_map(corner(1, 0.1, 0.15, 0.2), corner(2, 0.9, 0.98, 0.05)))

    assert document.track_id == "18"
    assert [c.number for c in document.corners] == [1, 2]
    assert document.corners[1].length == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("corners", "what"),
    [
        ([], "at least 1 item"),
        ([corner(1, 0.2, 0.1, 0.3)], "apex must lie between"),
        ([corner(1, 0.1, 0.15, 0.2), corner(1, 0.3, 0.35, 0.4)], "same number"),
        ([corner(1, 0.3, 0.35, 0.4), corner(2, 0.1, 0.15, 0.2)], "driving order"),
        ([corner(1, 0.1, 0.15, 0.3), corner(2, 0.25, 0.35, 0.4)], "overlap"),
        ([corner(1, 0.02, 0.05, 0.1), corner(2, 0.9, 0.98, 0.03)], "overlap"),
        ([corner(1, 0.1, 1.0, 0.3)], "less than 1"),
    ],
)
def test_what_is_wrong_is_named(corners: list[dict[str, Any]], what: str) -> None:
    """One clear sentence for each way in which corners cannot be."""
    with pytest.raises(ValidationError, match=what):
        TrackMapDocument.model_validate(a_map(*corners))
