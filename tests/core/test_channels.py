"""The table of channels says everything about a channel, once, and agrees with the wire contract."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from racing_coach_core.channels import CHANNEL_BY_NAME, CHANNELS, LAP_SCHEMA, TREAD_POSITIONS, WHEELS, Channel
from racing_coach_core.frames import TelemetryFrame

REQUIRED = {"timestamp", "session_time", "lap_number", "lap_distance_pct", "speed", "throttle", "brake"}


def test_names_and_paths_are_unique() -> None:
    """No two channels share a column or a place in the JSON."""
    assert len(CHANNEL_BY_NAME) == len(CHANNELS) == len({channel.json_path for channel in CHANNELS})


def test_the_schema_follows_the_table() -> None:
    """The canonical columns have the channels' names, order, types and nullability."""
    assert LAP_SCHEMA.names == [channel.name for channel in CHANNELS]
    for channel in CHANNELS:
        field = LAP_SCHEMA.field(channel.name)
        assert (field.type, field.nullable) == (channel.type, not channel.required)


def test_what_is_required() -> None:
    """A frame needs its time, place, speed and pedals, and nothing else."""
    assert {channel.name for channel in CHANNELS if channel.required} == REQUIRED


def test_times_and_coordinates_are_double() -> None:
    """Session time and coordinates keep 64 bits, every other number has 32 at most or is an integer."""
    doubles = {channel.name for channel in CHANNELS if channel.type == pa.float64()}
    assert doubles == {"session_time", "latitude", "longitude"}


def test_tyres_and_brakes_have_a_column_each() -> None:
    """Four wheels, three places across a tread, and the brake lines, named as the contract names them."""
    expected = {f"{w.lower()}_tire_{what}_{p}" for w in WHEELS for p in TREAD_POSITIONS for what in ("temp", "wear")}
    expected |= {f"{wheel.lower()}_brake_pressure" for wheel in WHEELS}
    assert expected <= set(CHANNEL_BY_NAME)
    assert len(expected) == 28
    assert CHANNEL_BY_NAME["lf_tire_temp_left"].json_path == ("tire_temps", "LF", "left")
    assert CHANNEL_BY_NAME["rr_tire_wear_middle"].iracing == "RRwearM"
    assert CHANNEL_BY_NAME["lr_brake_pressure"].iracing == "LRbrakeLinePress"


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_integers_are_bounded_by_their_type(channel: Channel) -> None:
    """Integer channels, and only they, have a range, which their type can hold."""
    if not pa.types.is_integer(channel.type):
        assert channel.minimum is channel.maximum is None
        return
    pa.scalar(channel.minimum, channel.type)
    pa.scalar(channel.maximum, channel.type)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)
def test_the_pydantic_frame_has_every_channel(channel: Channel) -> None:
    """The model that is the reference for JSON has a field at the path of every channel, required alike."""
    schema = TelemetryFrame.model_json_schema()
    node = schema
    for name in channel.json_path:
        if "$ref" not in node and "anyOf" in node:
            node = next(option for option in node["anyOf"] if "$ref" in option)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        node = node["properties"][name]
    assert (channel.json_path[0] in schema["required"]) == channel.required


def test_the_documentation_lists_every_channel() -> None:
    """docs/wire-format.md names every top-level field and every iRacing variable of the table."""
    text = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text()
    words = set(re.findall(r"\w+", text))
    for channel in CHANNELS:
        assert channel.json_path[0] in words
        if len(channel.json_path) == 1 and channel.iracing:
            assert channel.iracing in words
