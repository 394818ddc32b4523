"""The reference for which JSON is a lap."""

from typing import Any

import pytest
from hypothesis import given
from tests.core.wire_frames import accepts, frame
from tests.laps import frame_json, lap_json, laps, session_json, to_bytes

from racing_coach_core.frame_columns import columns_of, json_frames
from racing_coach_core.frames import LapTelemetry, SessionFrame, TelemetryFrame


@pytest.mark.parametrize(
    "field", ["timestamp", "session_time", "lap_number", "lap_distance_pct", "speed", "throttle", "brake"]
)
def test_a_required_field_is_there_and_is_no_null(field: str) -> None:
    """Without a required field, or with null in it, there is no frame."""
    document = frame_json()
    assert accepts(TelemetryFrame, document)
    assert not accepts(TelemetryFrame, {**document, field: None})
    del document[field]
    assert not accepts(TelemetryFrame, document)


def test_a_session_has_what_the_contract_demands() -> None:
    """Identifiers may be numbers and become text; what is missing gets the contract's defaults."""
    session = SessionFrame.model_validate_json(to_bytes(session_json(track_id=127, series_id="imsa", unknown=1)))
    assert (session.track_id, session.series_id, session.track_type) == ("127", "imsa", "road course")
    assert session.timestamp is session.car_class_id is session.session_type is None


@pytest.mark.parametrize(
    "fields",
    [
        {"session_id": "no uuid"},
        {"session_id": None},
        {"track_id": None},
        {"track_id": ""},
        {"track_id": True},
        {"track_id": 1.5},
        {"car_id": "x" * 65},
        {"car_id": 10**64},
        {"track_name": "x" * 257},
        {"track_name": 5},
        {"car_name": "a\0b"},
        {"car_id": "a\0b"},
        {"series_id": "\ud800"},
        {"timestamp": "yesterday"},
    ],
)
def test_what_is_no_session(fields: dict[str, Any]) -> None:
    """Text too long for its column, NUL, which PostgreSQL has no place for, and other kinds are refused."""
    assert not accepts(SessionFrame, session_json(**fields))


def test_a_lap_has_a_frame() -> None:
    """No frames, no lap."""
    assert accepts(LapTelemetry, lap_json(1)["lap"])
    assert not accepts(LapTelemetry, {"frames": []})
    assert not accepts(LapTelemetry, {"frames": None})
    assert not accepts(LapTelemetry, {})


def test_wheels_may_be_absent_or_null_anywhere() -> None:
    """A car without sensors says null, or nothing, at any depth."""
    for wheels in (None, {}, {"LF": None}, {"LF": {}}, {"LF": {"left": None}}, {"XX": 1}):
        assert frame(tire_temps=wheels, tire_wear=wheels) is not None
    assert not accepts(TelemetryFrame, frame_json(tire_temps={"LF": 80.0}))
    assert not accepts(TelemetryFrame, frame_json(tire_temps=[]))


@given(lap=laps())
def test_frames_become_columns_and_frames_again(lap: Any) -> None:
    """Columns written as JSON frames, read by the models and put into columns again are the same columns."""
    frames = [TelemetryFrame.model_validate(document) for document in json_frames(lap.frames)]
    assert columns_of(frames).equals(lap.frames)
