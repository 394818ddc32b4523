"""Which single values the wire takes, and what they become."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.core.wire_frames import FLOAT32_MAX, accepts, frame
from tests.laps import STARTED_AT, frame_json

from racing_coach_core.frames import TelemetryFrame
from racing_coach_core.wire_types import LapTime, parse_timestamp


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-05-01T12:00:00+00:00", STARTED_AT),
        ("2026-05-01T12:00:00Z", STARTED_AT),
        ("2026-05-01 12:00:00", STARTED_AT),
        ("2026-05-01T14:00:00+02:00", STARTED_AT),
        ("2026-05-01T12:00:00.5", STARTED_AT + timedelta(milliseconds=500)),
        ("2026-05-01T12:00:00.123456789Z", STARTED_AT + timedelta(microseconds=123456)),
        ("2024-02-29T23:59:59-14:00", datetime(2024, 3, 1, 13, 59, 59, tzinfo=UTC)),
    ],
)
def test_timestamps_are_instants(text: str, instant: datetime) -> None:
    """A timestamp without an offset is UTC, one with another offset is the same instant, and the rest is cut."""
    assert parse_timestamp(text) == instant
    assert parse_timestamp(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-01",
        "2026-05-01T12:00",
        "2026-05-01t12:00:00",
        "2026-05-01T24:00:00",
        "2026-05-01T12:00:60",
        "2026-02-30T12:00:00",
        "2026-05-01T12:00:00+15:00",
        "2026-05-01T12:00:00 Z",
        "2026-05-01T12:00:00\n",
        "2026-05-01T12:00:00.",
        "٢٠٢٦-05-01T12:00:00",
        "0001-01-01T00:00:00+14:00",
        "now",
        "",
        1777636800,
        1777636800.5,
        None,
        True,
        ["2026-05-01T12:00:00"],
    ],
)
def test_what_is_no_timestamp(value: object) -> None:
    """Dates alone, Unix times, days that no calendar has and other scripts' digits are refused."""
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(value)
    assert not accepts(TelemetryFrame, frame_json(timestamp=value))


@given(st.text(max_size=30))
def test_any_text_is_a_timestamp_or_a_value_error(text: str) -> None:
    """Nothing but ValueError comes out of reading a timestamp, and what is accepted is in UTC."""
    try:
        instant = parse_timestamp(text)
    except ValueError:
        return
    assert instant.utcoffset() == timedelta(0)


@pytest.mark.parametrize("value", ["1.5", True, [1.5], {"a": 1.5}])
@pytest.mark.parametrize("field", ["speed", "rpm", "session_time", "latitude", "gear", "lap_number", "track_surface"])
def test_a_number_is_a_number(field: str, value: object) -> None:
    """Neither text nor a boolean counts as a number, in a required field or in another."""
    assert not accepts(TelemetryFrame, frame_json(**{field: value}))


@pytest.mark.parametrize("value", [1, 0, "true", 1.0])
def test_a_boolean_is_a_boolean(value: object) -> None:
    """Only true and false say whether a car is on pit road."""
    assert not accepts(TelemetryFrame, frame_json(on_pit_road=value))


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("gear", -(2**15), 2**15 - 1),
        ("track_wetness", -(2**15), 2**15 - 1),
        ("track_surface", -(2**15), 2**15 - 1),
        ("session_flags", 0, 2**32 - 1),
        ("lap_number", -1, 2**31 - 1),
    ],
)
def test_integers_end_where_their_column_ends(field: str, low: int, high: int) -> None:
    """An integer that its column cannot hold is refused, and so is one with decimals."""
    for good in (low, high):
        assert accepts(TelemetryFrame, frame_json(**{field: good}))
    for bad in (low - 1, high + 1, 10**30, low + 0.5):
        assert not accepts(TelemetryFrame, frame_json(**{field: bad}))


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (FLOAT32_MAX, FLOAT32_MAX),
        (-FLOAT32_MAX, -FLOAT32_MAX),
        (3.4028235677973362e38, 3.4028235677973362e38),
        (3.4028235677973366e38, None),
        (1e39, None),
        (-1e300, None),
    ],
)
def test_a_number_that_does_not_fit_costs_only_itself(value: float, stored: float | None) -> None:
    """In a channel that is not required a number too large for 32 bits is no value; where required, no frame."""
    assert frame(rpm=value).rpm == stored
    assert accepts(TelemetryFrame, frame_json(speed=value)) == (stored is not None)


def test_the_largest_number_that_fits_still_rounds_to_a_finite_one() -> None:
    """The bound of a 32 bit channel is where rounding half to even turns to infinity, to the last bit."""
    with np.errstate(over="ignore"):
        assert np.isfinite(np.float32(3.4028235677973362e38))
        assert not np.isfinite(np.float32(np.nextafter(3.4028235677973362e38, np.inf)))


@pytest.mark.parametrize(
    ("wire", "value"), [(88.8, 88.8), (90, 90.0), (0, None), (-1.0, None), (-0.0, None), (None, None)]
)
def test_a_lap_time_of_zero_or_less_is_unknown(wire: float | None, value: float | None) -> None:
    """iRacing says -1 for a lap without a time; so zero and negative mean unknown, as null does."""
    assert TypeAdapter(LapTime).validate_json(json.dumps(wire)) == value


@pytest.mark.parametrize("wire", ['"88.8"', "true", "1e999", "[]"])
def test_what_is_no_lap_time(wire: str) -> None:
    """Text, booleans and what overflows are no lap times."""
    with pytest.raises(ValidationError):
        TypeAdapter(LapTime).validate_json(wire)
