"""Columns of any kind become the canonical ones, or are refused by name."""

import numpy as np
import pyarrow as pa
import pytest
from tests.core.codecs.arrow_streams import decode, refusal, stream
from tests.laps import columns, make_lap

from racing_coach_core.content import content_sha256
from racing_coach_core.exceptions import InvalidLapError


def test_columns_come_in_any_order_and_unknown_ones_are_ignored() -> None:
    """Columns are read by name; a plain column that is no channel is left alone."""
    values = {**dict(reversed(columns(4).items())), "fuel": np.ones(4), "seen": np.array([True] * 4)}
    assert decode(stream(values)).frames.equals(make_lap(4).frames)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.int64()], ids=str)
def test_numbers_of_any_width_become_the_channels(kind: pa.DataType) -> None:
    """A float channel may be written as any number, an integer channel as any integer that is in its range."""
    values = pa.array([1, 2, None, 4], pa.int64()).cast(kind)
    assert decode(stream({**columns(4), "rpm": values})).frames.column("rpm").to_pylist() == [1, 2, None, 4]
    if pa.types.is_integer(kind):
        assert decode(stream({**columns(4), "gear": values})).frames.column("gear").to_pylist() == [1, 2, None, 4]
    else:
        assert "must be integers" in refusal(stream({**columns(4), "gear": values}), InvalidLapError)


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("s"),
        pa.timestamp("ms", tz="UTC"),
        pa.timestamp("ns"),
        pa.timestamp("us", tz="Europe/Berlin"),
        pa.timestamp("ms", tz="+05:30"),
        pa.timestamp("us", tz="Nowhere/Land"),
    ],
    ids=str,
)
def test_timestamps_of_any_unit_and_zone_are_instants(kind: pa.DataType) -> None:
    """Seconds to nanoseconds; a zone, known here or not, changes nothing, and none is UTC."""
    seconds = pa.array([1_777_636_800, 1_777_636_801], pa.int64())
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    stamps = pa.array(seconds.to_numpy() * per_second + (999 if kind.unit == "ns" else 0)).view(kind)
    frames = decode(stream({**columns(2), "timestamp": stamps})).frames
    assert frames.column("timestamp").cast("int64").to_pylist() == [1_777_636_800_000_000, 1_777_636_801_000_000]


def test_a_zone_that_is_no_text_changes_nothing_either() -> None:
    """The zone's name is never looked at, not even to find that it is no UTF-8."""
    payload = stream(columns(4), compression=None)
    assert payload.count(b"UTC") == 1
    assert decode(payload.replace(b"UTC", b"U\xffC")).frames.equals(make_lap(4).frames)


def test_a_channel_without_values_may_be_absent_or_null() -> None:
    """Left out, of Arrow's null type, or full of nulls: the same lap."""
    laps = [
        decode(stream({**columns(4), **extra}))
        for extra in ({}, {"rpm": pa.nulls(4)}, {"rpm": pa.nulls(4, pa.float64())}, {"on_pit_road": pa.nulls(4)})
    ]
    assert len({content_sha256(lap.lap_time, lap.frames) for lap in laps}) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_broken_sensor_costs_its_own_values(value: float) -> None:
    """NaN, infinity and what does not fit become null where a channel is not required."""
    lap = decode(stream({**columns(3), "rpm": np.array([1.0, value, 3.0])}))
    assert lap.frames.column("rpm").to_pylist() == [1.0, None, 3.0]
    assert decode(stream({**columns(3), "latitude": np.array([1.0, value, 3.0])})).frames.column("latitude")[
        1
    ].as_py() == (1e39 if value == 1e39 else None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("name", ["speed", "throttle", "lap_distance_pct"])
def test_a_required_number_is_finite(name: str, value: float) -> None:
    """NaN, infinity and what does not fit 32 bits are told by field, frame and value."""
    values = columns(4)
    values[name] = np.array([0, 0.5, value, 1])
    message = refusal(stream(values), InvalidLapError)
    assert message == f"not a valid lap: lap.frames.2.{name}: must be a finite number, got {value}"


@pytest.mark.parametrize("name", list(columns()))
def test_a_required_channel_is_there_in_every_frame(name: str) -> None:
    """A column that is not there, or has a hole, is told."""
    values = columns(4)
    del values[name]
    assert f"lap.frames.0.{name}: is required" in refusal(stream(values), InvalidLapError)
    values[name] = pa.array([*pa.array(columns(4)[name]).to_pylist()[:3], None])
    assert f"lap.frames.3.{name}: is required" in refusal(stream(values), InvalidLapError)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("gear", pa.array([1, 40_000, 1, 1]), "lap.frames.1.gear: must lie between -32768 and 32767, got 40000"),
        ("gear", pa.array([None, 1, -32769, 1]), "lap.frames.2.gear: must lie between -32768 and 32767, got -32769"),
        ("session_flags", pa.array([0, -1, 0, 0]), "lap.frames.1.session_flags: must lie between 0 and 4294967295"),
        ("lap_number", pa.array([2**63] * 4, pa.uint64()), "lap.frames.0.lap_number: must lie between"),
        ("gear", pa.array([1.0] * 4), "lap.frames.gear: must be integers, the column is of type double"),
        ("speed", pa.array([True] * 4), "lap.frames.speed: must be numbers, the column is of type bool"),
        ("on_pit_road", pa.array([1] * 4), "lap.frames.on_pit_road: must be true or false"),
        ("timestamp", pa.array([1] * 4), "lap.frames.timestamp: must be timestamps, the column is of type int64"),
        ("timestamp", pa.array([2**62] * 4).view(pa.timestamp("s")), "lap.frames.timestamp: is out of range"),
        ("lf_tire_temp_left", pa.array([True] * 4), "lap.frames.tire_temps.LF.left: must be numbers"),
    ],
)
def test_a_value_that_is_no_such_value(name: str, values: pa.Array, message: str) -> None:
    """Kinds and ranges are told in the words of the JSON field."""
    assert message in refusal(stream({**columns(4), name: values}), InvalidLapError)
