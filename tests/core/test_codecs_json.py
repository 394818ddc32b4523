"""The JSON of existing clients: the fast way takes exactly what the pydantic models take, and says what is wrong."""

import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from pydantic import ValidationError
from tests.json_documents import documents
from tests.laps import SESSION_ID, frame_json, lap_json, make_lap, session_json, to_bytes

from racing_coach_core.codecs.decode import Encoding, decode_lap, encode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import InvalidLapError, MalformedPayloadError, PayloadError, PayloadTooLargeError
from racing_coach_core.frame_columns import columns_of
from racing_coach_core.identity import content_sha256, lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapUploadRequest


def decode(document: object, **limits: int) -> Lap:
    payload = document if isinstance(document, bytes) else to_bytes(document)
    return decode_lap(payload, limits=PayloadLimits(**limits)).lap


def reference(payload: bytes) -> LapUploadRequest | None:
    """What the pydantic models, which are the contract, make of a payload."""
    try:
        return LapUploadRequest.model_validate_json(payload)
    except ValidationError:
        return None


def refusal(document: object, **limits: int) -> PayloadError:
    with pytest.raises(PayloadError) as raised:
        decode(document, **limits)
    return raised.value


def invalid(document: object) -> list[str]:
    """The errors of a document that is JSON and no lap, in which the reference sees none either."""
    error = refusal(document)
    assert isinstance(error, InvalidLapError)
    assert reference(document if isinstance(document, bytes) else to_bytes(document)) is None
    return [str(detail) for detail in error.errors]


# --- the property ----------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(payload=documents())
@example(payload=to_bytes(lap_json(1)))
def test_what_is_accepted_is_what_the_models_accept(payload: bytes) -> None:
    """The fast way and the models accept the same documents, and make the same lap of them."""
    # Python's NaN and Infinity are no JSON (RFC 8259); pydantic lets them pass in fields that it ignores.
    assume(b"NaN" not in payload and b"Infinity" not in payload)
    expected = reference(payload)
    if expected is None:
        refusal(payload)
        return
    lap = decode(payload)
    assert lap.session == expected.session
    assert lap.lap_time == expected.lap.lap_time
    assert lap.lap_id == (expected.lap_id or lap_id_for(lap.session.session_id, lap.lap_number))
    assert content_sha256(lap.lap_time, lap.frames) == content_sha256(
        expected.lap.lap_time, columns_of(expected.lap.frames)
    )


# --- what is wrong, in words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"{}}",
        b"{} {}",
        b'{"session":}',
        b'{"lap": {"frames": [}}',
        b"{'session': 1}",
        b'{"x": "\xff"}',
        b'{"x": "\xed\xa0\x80"}',
        b'{"x": "\\ud800"}',
        b'{"x": NaN}',
        b'{"x": Infinity}',
        b'{"x": 01}',
        b"{\x00}",
    ],
)
def test_what_is_not_json(payload: bytes) -> None:
    """Syntax errors, bytes that are no UTF-8, half of a surrogate pair, NaN and trailing data."""
    error = refusal(payload)
    assert isinstance(error, MalformedPayloadError)
    assert str(error).startswith("not JSON: ")


@pytest.mark.parametrize("part", range(1, 20))
def test_a_document_cut_short_is_not_json(part: int) -> None:
    """Wherever it ends too early."""
    payload = to_bytes(lap_json())
    assert isinstance(refusal(payload[: len(payload) * part // 20]), MalformedPayloadError)


def test_a_document_nested_without_end_is_refused() -> None:
    """A hundred thousand brackets are an error and no crash, in a field that is ignored and in one that is not."""
    deep = b"[" * 100_000 + b"]" * 100_000
    document = to_bytes({**lap_json(), "x": "DEEP"}).replace(b'"DEEP"', deep)
    assert isinstance(refusal(document), MalformedPayloadError)
    assert isinstance(refusal(to_bytes(lap_json(rpm="DEEP")).replace(b'"DEEP"', deep)), MalformedPayloadError)
    assert isinstance(refusal(to_bytes(lap_json(x="DEEP")).replace(b'"DEEP"', deep)), MalformedPayloadError)


@pytest.mark.parametrize("field", ["session", "lap"])
@pytest.mark.parametrize("value", ["missing", None])
def test_a_part_is_missing(field: str, value: None) -> None:
    """Without session or lap the error says which."""
    document = lap_json()
    if value is None:
        document[field] = None
    else:
        del document[field]
    assert invalid(document) == [f"{field}: is required"]


def test_everything_but_the_frames_is_reported_at_once() -> None:
    """Whoever writes a client gets all errors of session and lap in one answer."""
    document = {"lap_id": "x", "session": session_json(track_name=5), "lap": {"lap_time": "fast"}}
    del document["session"]["car_id"]
    errors = invalid(document)
    assert [error.partition(":")[0] for error in errors] == [
        "lap_id",
        "session.track_name",
        "session.car_id",
        "lap.lap_time",
        "lap.frames",
    ]
    assert errors[-1] == "lap.frames: is required"
    assert "got 5" in errors[1]


@pytest.mark.parametrize("frames", [[], None, {}, "x", 5, [None], [1], [[]], ["x"], [frame_json(), None]])
def test_frames_are_a_list_of_objects(frames: object) -> None:
    """Nothing, null and other kinds are told where they are."""
    assert invalid({"session": session_json(), "lap": {"frames": frames}})[0].startswith("lap.frames")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"speed": "fast"}, "lap.frames.0.speed: Input should be a valid number, got 'fast'"),
        ({"speed": None}, "lap.frames.0.speed: "),
        ({"gear": 2.5}, "lap.frames.0.gear: Input should be a valid integer, got 2.5"),
        ({"gear": 40_000}, "lap.frames.0.gear: "),
        ({"session_flags": -1}, "lap.frames.0.session_flags: "),
        ({"on_pit_road": "no"}, "lap.frames.0.on_pit_road: Input should be a valid boolean, got 'no'"),
        ({"timestamp": "noon"}, "lap.frames.0.timestamp: "),
        ({"tire_temps": {"LF": {"left": "hot"}}}, "lap.frames.0.tire_temps.LF.left"),
        ({"speed": 1e39}, "lap.frames.0.speed: "),
    ],
)
def test_a_wrong_value_is_named(fields: dict[str, Any], message: str) -> None:
    """The error says which field of which frame it is, and what it was."""
    assert invalid(lap_json(2, **fields))[0].startswith(message)


def test_the_frame_that_is_wrong_is_named() -> None:
    """One wrong value among many is found, and told by the number of its frame."""
    document = lap_json(50)
    document["lap"]["frames"][37]["throttle"] = "full"
    assert invalid(document) == ["lap.frames.37.throttle: Input should be a valid number, got 'full'"]
    del document["lap"]["frames"][37]["throttle"]
    assert invalid(document) == ["lap.frames.37.throttle: is required"]


def test_errors_are_few_and_short() -> None:
    """A lap whose every frame is wrong, with values of any length, gets ten errors that can be read."""
    errors = invalid(lap_json(100, speed="x" * 10_000))
    assert len(errors) == 10
    assert all(len(error) < 200 for error in errors)


@pytest.mark.parametrize("value", ["1e39", "-1e300", "1e400"])
def test_a_broken_sensor_costs_its_own_values(value: str) -> None:
    """In a channel that is not required a number beyond 32 bits becomes null, and the lap is accepted."""
    payload = to_bytes(lap_json(2, rpm="BROKEN")).replace(b'"BROKEN"', value.encode(), 1).replace(b'"BROKEN"', b"5")
    assert reference(payload) is not None
    assert decode(payload).frames.column("rpm").to_pylist() == [None, 5.0]


def test_frames_of_two_laps() -> None:
    """All frames are of one lap."""
    document = lap_json()
    document["lap"]["frames"][2]["lap_number"] = 4
    assert "all frames must be of one lap" in invalid(document)[0]


def test_time_runs_forwards() -> None:
    """Session time that goes back, and timestamps over a day apart, are no lap."""
    document = lap_json()
    document["lap"]["frames"][2]["session_time"] = 0
    assert "runs backwards" in invalid(document)[0]
    document = lap_json()
    document["lap"]["frames"][2]["timestamp"] = "2026-05-03T12:00:00Z"
    assert "is over a day" in invalid(document)[0]


@pytest.mark.parametrize(("escape", "good"), [("\\u0000", False), ("\\ud83c\\udfc1", True), ("\\ud83c", False)])
def test_text_can_be_stored(escape: str, good: bool) -> None:
    """NUL and half of a surrogate pair have no place in the database; a pair is a character."""
    payload = to_bytes(lap_json()).replace(b"Road Atlanta", escape.encode())
    if good:
        assert decode(payload).session.track_name == "🏁"
    else:
        refusal(payload)
    assert (reference(payload) is not None) == good


# --- limits ----------------------------------------------------------------------------------------------


def test_as_many_frames_as_allowed() -> None:
    """The last frame that fits, and the first that does not, the fast way and the slow way."""
    for fields in ({}, {"timestamp": "2026-05-01 12:00:00.1234567"}):
        assert decode(lap_json(5, **fields), frames=5).frames.num_rows == 5
        error = refusal(lap_json(6, **fields), frames=5)
        assert isinstance(error, PayloadTooLargeError)
        assert (error.what, error.size, error.limit) == ("the number of frames", 6, 5)


@pytest.mark.parametrize("element", ["{}", "null", "0", '""', "[]"])
def test_elements_of_a_few_bytes_are_counted_before_columns_are_made(element: str) -> None:
    """A list of nothing, which would become half a kilobyte a piece, is refused for its length or its kind."""
    frames = ",".join([element] * 5_000)
    error = refusal(
        to_bytes({"session": session_json(), "lap": {"frames": "F"}}).replace(b'"F"', f"[{frames}]".encode()),
        frames=100,
    )
    assert isinstance(error, PayloadTooLargeError if element == "{}" else InvalidLapError)


def test_only_the_last_of_two_lists_is_read() -> None:
    """A name that is there twice counts the second time, as pydantic has it, and the first is never parsed."""
    first = b'"frames":[' + b",".join([b"{}"] * 5_000) + b"],"
    payload = to_bytes(lap_json()).replace(b'"frames"', first + b'"frames"')
    assert decode(payload, frames=100).frames.num_rows == 4


@pytest.mark.parametrize("place", ["session", "lap_id", "lap_time", "frame"])
def test_a_part_that_pydantic_reads_is_of_a_sensible_size(place: str) -> None:
    """Ignored or not, a megabyte where a few hundred bytes belong is refused: it would take 200 times its memory."""
    huge = "[" + "[]," * 400_000 + "[]]"
    document: dict[str, Any] = lap_json()
    target = {
        "session": document["session"],
        "lap_id": document,
        "lap_time": document["lap"],
        "frame": document["lap"]["frames"][0],
    }[place]
    target[place if place.startswith("lap_") else "x"] = "HUGE"
    if place == "frame":
        target["timestamp"] = "noon"  # else nobody but pyarrow, which skips it, looks at the frame
    error = refusal(to_bytes(document).replace(b'"HUGE"', huge.encode()))
    assert isinstance(error, InvalidLapError)
    assert "may take at most 1,048,576 bytes" in str(error)


# --- what comes out --------------------------------------------------------------------------------------


def test_a_minimal_document_becomes_a_lap() -> None:
    """What is absent is null, the id follows from session and number, and unknown fields are ignored."""
    document = lap_json(3, unknown={"a": [1]})
    document["unknown"] = document["session"]["unknown"] = document["lap"]["unknown"] = [None]
    lap = decode(document)
    assert lap.lap_id == lap_id_for(SESSION_ID, 3)
    assert (lap.lap_time, lap.lap_number, lap.frames.num_rows) == (88.8, 3, 3)
    assert lap.frames.column("rpm").null_count == 3
    assert lap.session.car_id == "sim-gt3"


def test_an_id_from_the_rig_is_kept() -> None:
    """`lap_id` is the lap's identity where it is given."""
    lap_id = uuid.uuid4()
    assert decode({**lap_json(), "lap_id": str(lap_id)}).lap_id == lap_id
    assert decode({**lap_json(), "lap_id": None}).lap_id == lap_id_for(SESSION_ID, 3)


def test_frames_beyond_one_slow_chunk() -> None:
    """More than a thousand frames that pyarrow refuses come out whole and in order."""
    document = lap_json(2_500)
    document["lap"]["frames"][0]["rpm"] = 5
    payload = to_bytes(document).replace(b'"rpm": 5', b'"rpm": 5, "rpm": 6')  # twice: pyarrow refuses
    lap = decode(payload)
    assert lap.frames.num_rows == 2_500
    assert lap.frames.column("rpm")[0].as_py() == 6
    assert np.all(np.diff(lap.frames.column("session_time").to_numpy()) > 0)


def test_numbers_are_rounded_once() -> None:
    """A decimal becomes the nearest float64 and that the nearest float32, the fast way, the slow way and in Arrow."""
    tricky = 1.0000000596046448  # halfway between two float32, by the decimals beyond
    fast, slow = lap_json(2, rpm=tricky), to_bytes(lap_json(2, rpm=tricky)).replace(b'"rpm"', b'"rpm": 1, "rpm"')
    arrow = decode_lap(encode_lap(make_lap(2, extra={"rpm": np.full(2, tricky)}), Encoding.ARROW)).lap
    values = {lap.frames.column("rpm")[0].as_py() for lap in (decode(fast), decode(slow), arrow)}
    assert values == {float(np.float32(tricky))}


@pytest.mark.parametrize(
    "stamp", ["2026-05-01T12:00:00.5Z", "2026-05-01 12:00:00.5", "2026-05-01T14:00:00.500000999+02:00"]
)
def test_timestamps_in_every_form_are_the_same_instant(stamp: str) -> None:
    """With Z, without an offset, with another offset and with nanoseconds."""
    stamps = decode(lap_json(2, timestamp=stamp)).frames.column("timestamp")
    assert stamps.to_pylist()[0].isoformat() == "2026-05-01T12:00:00.500000+00:00"


def test_mixed_timestamps_are_read_one_by_one() -> None:
    """Frames with and without an offset in one lap."""
    document = lap_json(2)
    document["lap"]["frames"][0]["timestamp"] = "2026-05-01T14:00:00+02:00"
    document["lap"]["frames"][1]["timestamp"] = "2026-05-01T12:00:00"
    stamps = decode(document).frames.column("timestamp").to_pylist()
    assert stamps[0] == stamps[1]


@pytest.mark.parametrize("field", ["timestamp", "lap_distance", "ignored"])
def test_a_value_of_megabytes_does_not_multiply(field: str) -> None:
    """It is refused by its size, or ignored, without pyarrow's copies of it."""
    size = 8 << 20
    value = {"timestamp": '"🏎' + "a" * size + '"', "lap_distance": "1" * size, "ignored": '"' + "a" * size + '"'}[field]
    document = lap_json()
    document["lap"]["frames"][0]["marked"] = 0
    payload = to_bytes(document).replace(b'"marked": 0', f'"{field}": {value}'.encode())
    most = pa.default_memory_pool().max_memory()

    with pytest.raises(InvalidLapError, match="may take at most 1,048,576 bytes"):
        decode_lap(payload)

    assert pa.default_memory_pool().max_memory() <= max(most, size)


def test_a_long_timestamp_is_no_timestamp() -> None:
    """Also by the thousand, and below the size that is looked at one by one: each would be text of four bytes a letter."""
    error = refusal(lap_json(50, timestamp="🏎" + "a" * 900))

    assert "timestamp" in str(error)
