"""A JSON lap is what the models accept, within the limits; all else is refused in words."""

import uuid

import pytest
from hypothesis import assume, example, given
from tests.core.codecs.json_payloads import decode, invalid, reference, refusal
from tests.examples import examples
from tests.json_documents import documents
from tests.laps import SESSION_ID, lap_json, session_json, to_bytes

from racing_coach_core.content import content_sha256
from racing_coach_core.exceptions import InvalidLapError, MalformedPayloadError, PayloadTooLargeError
from racing_coach_core.frame_columns import columns_of
from racing_coach_core.identity import lap_id_for


@examples(300)
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
