"""What is wrong with a frame is told with its number and its value."""

from typing import Any

import numpy as np
import pytest
from tests.core.codecs.json_payloads import decode, invalid, refusal
from tests.laps import frame_json, lap_json, session_json, to_bytes

from racing_coach_core.codecs.json_frames import MAX_FRAMES
from racing_coach_core.exceptions import InvalidLapError


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


def test_frames_beyond_one_slow_chunk() -> None:
    """More than a thousand frames that pyarrow refuses come out whole and in order."""
    document = lap_json(2_500)
    document["lap"]["frames"][0]["rpm"] = 5
    payload = to_bytes(document).replace(b'"rpm": 5', b'"rpm": 5, "rpm": 6')  # twice: pyarrow refuses
    lap = decode(payload)
    assert lap.frames.num_rows == 2_500
    assert lap.frames.column("rpm")[0].as_py() == 6
    assert np.all(np.diff(lap.frames.column("session_time").to_numpy()) > 0)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('"speed": 1.0, "speed": 1.0', id="a key twice"),
        pytest.param('"speed": 1.0, "note": "' + "x" * 1_000 + '"', id="a long string"),
        pytest.param(r'"speed": 1.0, "n\u006fte": 1', id="an escape"),
        pytest.param('"speed": 1.0, "note": [' + "1, " * 200 + "1]", id="a long list"),
    ],
)
@pytest.mark.parametrize(("count", "is_taken"), [(3, True), (MAX_FRAMES + 1, False)])
def test_frames_that_need_a_look_each_are_taken_up_to_a_number(value: str, count: int, is_taken: bool) -> None:
    """What is not plain is read one by one, which holds up everybody else, and so is not done for ever."""
    frame = to_bytes(frame_json(speed=1.0)).replace(b'"speed": 1.0', value.encode())
    assert value.encode() in frame
    head = to_bytes({"session": session_json()})[:-1]
    payload = b'%b, "lap": {"frames": [%b]}}' % (head, b",".join([frame] * count))

    if is_taken:
        assert decode(payload).frames.num_rows == count
    else:
        assert "up to 10,000 frames, found 10,001" in str(refusal(payload))


def test_of_too_many_frames_the_first_are_looked_at() -> None:
    """What is wrong with all of them is named however many they are."""
    document = lap_json(MAX_FRAMES + 1, speed="fast")

    assert str(refusal(document).errors[0]).startswith("lap.frames.0.speed: Input should be a valid number, got 'fast'")
