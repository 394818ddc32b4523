"""The same lap is known again, whatever encoding, compression or sender's habits it came with."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.laps import laps, make_lap, numbers

from racing_coach_core.channels import CHANNELS, LAP_SCHEMA
from racing_coach_core.content import content_sha256
from racing_coach_core.identity import lap_id_for, payload_sha256
from racing_coach_core.lap import Lap


def content(lap: Lap) -> bytes:
    return content_sha256(lap.lap_time, lap.frames)


def with_column(frames: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    index = LAP_SCHEMA.get_field_index(name)
    return frames.set_column(index, LAP_SCHEMA.field(index), column)


def test_a_lap_without_an_id_gets_the_same_one_each_time() -> None:
    """UUIDv5 of session and lap number: anybody can compute it, and it never changes."""
    session = uuid.UUID("7b2c3f9e-3c1b-4b0a-9b8e-0f6a3d1b2c4d")
    assert lap_id_for(session, 3) == uuid.uuid5(session, "3")
    assert lap_id_for(session, 3).version == 5
    assert lap_id_for(session, 3) != lap_id_for(session, 4)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_payload_is_known_by_its_bytes(kind: Any) -> None:
    """The hash of a payload is that of its bytes, however they are held."""
    assert payload_sha256(kind(b"a lap")) == hashlib.sha256(b"a lap").hexdigest()


@given(lap=laps(), data=st.data())
def test_content_is_what_is_stored_and_nothing_else(lap: Lap, data: st.DataObject) -> None:
    """Names, ids and the way the columns lie in memory do not count."""
    padded = pa.concat_batches([make_lap(3).frames, lap.frames, make_lap(2).frames])
    sliced = Lap(uuid.uuid4(), make_lap().session, lap.lap_time, padded.slice(3, lap.frames.num_rows))
    assert content(sliced) == content(lap)


@given(lap=laps(), data=st.data())
def test_another_value_is_another_content(lap: Lap, data: st.DataObject) -> None:
    """One value changed, anywhere, gives another hash; so does a value that is gone."""
    channel = data.draw(st.sampled_from(CHANNELS))
    index = data.draw(st.integers(0, lap.frames.num_rows - 1))
    values = lap.frames.column(channel.name).to_pylist()
    if channel.name == "timestamp":
        values[index] += timedelta(microseconds=1)
    else:
        values[index] = data.draw(st.none() | numbers(channel) if not channel.required else numbers(channel))
    changed = with_column(lap.frames, channel.name, pa.array(values, channel.type))
    assume(changed.column(channel.name).to_pylist() != lap.frames.column(channel.name).to_pylist())

    assert content_sha256(lap.lap_time, changed) != content(lap)


def test_nothing_is_not_zero() -> None:
    """A value that is missing and a value that is zero are different, and so are two ways to miss one."""
    laps_ = [make_lap(3, extra={"rpm": pa.array(v, pa.float32())}) for v in ([0, None, 1], [None, 0, 1], [0, 0, 1])]
    assert len({content(lap) for lap in laps_}) == 3


def test_a_column_without_a_value_does_not_count() -> None:
    """A channel that is added later changes no lap that lacks it."""
    lap = make_lap()
    assert lap.frames.column("rpm").null_count == lap.frames.num_rows
    assert content_sha256(lap.lap_time, with_column(lap.frames, "rpm", pa.nulls(4, pa.float32()))) == content(lap)


def test_minus_zero_is_zero() -> None:
    """JSON writers differ in whether they write it."""
    plus, minus = (make_lap(2, extra={"rpm": np.array([zero, 1.0])}) for zero in (0.0, -0.0))
    assert content(plus) == content(minus)


def test_what_lies_under_a_null_does_not_count() -> None:
    """Arrow leaves it open what the buffer holds where a value is missing."""
    bitmap = pa.py_buffer(b"\x05")
    columns = [
        pa.Array.from_buffers(pa.float32(), 3, [bitmap, pa.py_buffer(np.array([1, x, 3], np.float32))]) for x in (7, 8)
    ]
    assert columns[0].to_pylist() == [1, None, 3]
    one, other = (content(make_lap(3, extra={"rpm": column})) for column in columns)
    assert one == other


def test_the_lap_time_counts() -> None:
    """A lap with a time is not the one without."""
    times = [None, 88.8, 88.80000000000001]
    assert len({content(make_lap(lap_time=lap_time)) for lap_time in times}) == 3


def test_the_same_values_in_another_channel_are_another_content() -> None:
    """What a column is called counts."""
    values = np.arange(4.0)
    assert content(make_lap(extra={"yaw": values})) != content(make_lap(extra={"roll": values}))


def test_the_hash_stays_what_it_is() -> None:
    """Stored laps are compared by it, so a change of the hash would turn every redelivery into a conflict."""
    lap = make_lap(4, extra={"gear": [3, 4, None, 4], "on_pit_road": [True, None, False, False], "rpm": np.arange(4.0)})
    assert content(lap).hex() == "9c642c628451c2e99db968c2c9ef50ef93774cbe2e8d35d6d8198c3c4ce11d82"
