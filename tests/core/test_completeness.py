"""A lap counts when it was driven whole, and on the track."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.laps import make_lap

from racing_coach_core.completeness import covers_lap, is_valid_lap, stays_on_track


def frames(pct: Any, **extra: Any) -> pa.RecordBatch:
    pct = np.asarray(pct, np.float64)
    return make_lap(len(pct), extra={"lap_distance_pct": pct, **extra}).frames


WHOLE = np.linspace(0, 0.9995, 200)


@pytest.mark.parametrize(
    ("pct", "whole"),
    [
        (WHOLE, True),
        (WHOLE + 0.0004, True),
        (WHOLE * 0.99 + 0.0095, True),
        (np.linspace(0.02, 1, 200), False),
        (np.linspace(0, 0.98, 200), False),
        (np.linspace(0, 0.5, 100), False),
        (np.r_[np.linspace(0, 0.4, 100), np.linspace(0.46, 1, 100)], False),
        (np.r_[np.linspace(0, 0.4, 100), np.linspace(0.44, 1, 100)], True),
        (np.r_[np.linspace(0, 0.5, 100), np.linspace(0.47, 1, 100)], True),
        (np.r_[np.linspace(0, 0.5, 100), np.linspace(0.1, 1, 100)], False),
        ([0.5], False),
        ([0.0], False),
    ],
)
def test_a_whole_lap_runs_from_line_to_line_without_a_hole(pct: Any, whole: bool) -> None:
    """Begun late, ended early, a tow or a jump: not whole. A hiccup, or a spin backwards: whole."""
    assert covers_lap(frames(pct)) is whole


@pytest.mark.parametrize(
    ("surface", "on_track"),
    [
        ([3, 3, 3], True),
        ([3, 0, 3], False),
        ([1, 3, 3], False),
        ([3, 3, -1], False),
        ([3, None, 3], True),
        ([None, 0, None], False),
        (None, True),
    ],
)
def test_every_frame_that_knows_is_on_track(surface: list[int | None] | None, on_track: bool) -> None:
    """Off track, in the pits or not in the world does not count; not known counts as on track."""
    extra = {} if surface is None else {"track_surface": pa.array(surface, pa.int16())}
    assert stays_on_track(frames([0, 0.5, 1], **extra)) is on_track


def test_a_valid_lap_is_both() -> None:
    """Whole and on track, or it does not count."""
    off = pa.array([3] * 199 + [0], pa.int16())
    assert is_valid_lap(frames(WHOLE))
    assert not is_valid_lap(frames(WHOLE, track_surface=off))
    assert not is_valid_lap(frames(WHOLE[:100]))
