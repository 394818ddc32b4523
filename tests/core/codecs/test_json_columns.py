"""Frames become columns, each value as it was written."""

import numpy as np
import pyarrow as pa
import pytest
from tests.core.codecs.json_payloads import decode, reference, refusal
from tests.laps import lap_json, make_lap, to_bytes

from racing_coach_core.codecs.decode import decode_lap, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.exceptions import InvalidLapError


@pytest.mark.parametrize("value", ["1e39", "-1e300", "1e400"])
def test_a_broken_sensor_costs_its_own_values(value: str) -> None:
    """In a channel that is not required a number beyond 32 bits becomes null, and the lap is accepted."""
    payload = to_bytes(lap_json(2, rpm="BROKEN")).replace(b'"BROKEN"', value.encode(), 1).replace(b'"BROKEN"', b"5")
    assert reference(payload) is not None
    assert decode(payload).frames.column("rpm").to_pylist() == [None, 5.0]


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
