"""What makes columns a lap, and how the first thing that is wrong is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from tests.laps import STARTED_AT, columns, laps

from racing_coach_core.channels import CHANNELS
from racing_coach_core.lap import Lap, frames_from_columns
from racing_coach_core.validation import EARLIEST, LATEST, MAX_ERRORS, check_frames

COUNT = 20


def batch(**changed: Any) -> pa.RecordBatch:
    return frames_from_columns({**columns(COUNT), **changed}, COUNT)


def changed_at(name: str, index: int, value: Any) -> pa.RecordBatch:
    values = pa.array(columns(COUNT)[name]).to_pylist()
    values[index] = value
    return batch(**{name: pa.array(values)})


def says(frames: pa.RecordBatch) -> list[str]:
    return [str(error) for error in check_frames(frames)]


@given(lap=laps())
def test_a_good_lap_has_no_errors(lap: Lap) -> None:
    """Null channels and values up to their limits are all right."""
    assert check_frames(lap.frames) == []


def test_a_lap_has_at_least_one_frame() -> None:
    """No frame is no lap; one is enough."""
    assert says(batch().slice(0, 0)) == ["lap.frames: must hold at least one frame"]
    assert says(batch().slice(0, 1)) == []


@pytest.mark.parametrize("name", [c.name for c in CHANNELS if c.required])
def test_a_required_value_is_missing(name: str) -> None:
    """The error names the field and the frame."""
    assert says(changed_at(name, 7, None)) == [f"lap.frames.7.{name}: is required"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["session_time", "lap_distance_pct", "speed", "throttle", "brake"])
def test_a_required_number_is_finite(name: str, value: float) -> None:
    """NaN and infinity in a required channel are told with the value."""
    assert says(changed_at(name, 5, value)) == [f"lap.frames.5.{name}: must be a finite number, got {value}"]


def test_frames_of_two_laps() -> None:
    """The first frame of another lap is named, with both numbers."""
    assert says(changed_at("lap_number", 9, 4)) == [
        "lap.frames.9.lap_number: all frames must be of one lap: frame 0 is of lap 3, this one of lap 4"
    ]


def test_session_time_never_runs_backwards() -> None:
    """Standing still is all right, going back is not."""
    assert says(batch(session_time=np.full(COUNT, 5.0))) == []
    assert says(changed_at("session_time", 9, 99.0)) == [
        f"lap.frames.9.session_time: runs backwards: 99.0 s after {100 + 8 / 60} s"
    ]


@pytest.mark.parametrize(
    ("moved", "good"),
    [
        (timedelta(days=1), True),
        (timedelta(days=-1), True),
        (timedelta(days=1, microseconds=1), False),
        (timedelta(days=-1, microseconds=-1), False),
    ],
)
def test_the_wall_clock_stays_within_a_day(moved: timedelta, good: bool) -> None:
    """A clock may be set during a lap, but a frame a day from the first is a mistake, to the microsecond."""
    errors = says(changed_at("timestamp", 4, STARTED_AT + moved))
    assert bool(errors) != good
    if not good:
        assert errors[0].startswith("lap.frames.4.timestamp: is over a day from the first frame's: 2026-0")


@pytest.mark.parametrize(
    ("start", "good"),
    [
        (EARLIEST, True),
        (EARLIEST - timedelta(microseconds=1), False),
        (LATEST - timedelta(seconds=1), True),
        (LATEST, False),
        (datetime(1, 1, 1, tzinfo=UTC), False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
    ],
)
def test_the_wall_clock_lies_in_our_time(start: datetime, good: bool) -> None:
    """Timestamps before 1970 and from 2200 on are refused."""
    stamps = pa.array([start + timedelta(milliseconds=i) for i in range(COUNT)], pa.timestamp("us", tz="UTC"))
    errors = says(batch(timestamp=stamps))
    assert bool(errors) != good
    if not good:
        assert "must lie between 1970 and 2200" in errors[0]


def test_timestamps_that_no_calendar_has_are_told_too() -> None:
    """Even a count of microseconds beyond the year 9999 is an error message and not a crash."""
    for micros in (2**63 - 1, -(2**63), 10**18):
        stamps = pa.array([micros] * COUNT, pa.int64()).view(pa.timestamp("us", tz="UTC"))
        assert "must lie between 1970 and 2200" in says(batch(timestamp=stamps))[0]


def test_a_day_apart_does_not_overflow() -> None:
    """Times at both ends of 64 bits are told to be wrong, and do not come out near each other."""
    stamps = pa.array([2**63 - 1, -(2**63)] * (COUNT // 2), pa.int64()).view(pa.timestamp("us", tz="UTC"))
    assert says(batch(timestamp=stamps))


def test_errors_are_few() -> None:
    """A lap whose every frame is wrong is told the first reasons only."""
    nothing = pa.nulls(COUNT, pa.float32())
    errors = says(batch(speed=nothing, throttle=nothing, brake=nothing))
    assert len(errors) == MAX_ERRORS
    assert errors[0] == "lap.frames.0.speed: is required"
