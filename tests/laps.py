"""Laps to test with: small ones by hand, as JSON documents and as columns, and random ones for properties."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from racing_coach_core.channels import CHANNELS, Channel
from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap, frames_from_columns

SESSION_ID = uuid.UUID("7b2c3f9e-3c1b-4b0a-9b8e-0f6a3d1b2c4d")
STARTED_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)

type Json = dict[str, Any]


# --- by hand ---------------------------------------------------------------------------------------------


def session_json(**fields: Any) -> Json:
    """A SessionFrame with what is required, and these fields."""
    return {
        "session_id": str(SESSION_ID),
        "track_id": 127,
        "track_name": "Road Atlanta",
        "car_id": "sim-gt3",
        "car_name": "Sim GT3",
        **fields,
    }


def frame_json(index: int = 0, count: int = 4, **fields: Any) -> Json:
    """One TelemetryFrame of a whole lap of `count` frames, with what is required, and these fields."""
    return {
        "timestamp": (STARTED_AT + timedelta(seconds=index / 60)).isoformat(),
        "session_time": 100 + index / 60,
        "lap_number": 3,
        "lap_distance_pct": index / max(count - 1, 1),
        "speed": 40.5,
        "throttle": 1.0,
        "brake": 0.0,
        **fields,
    }


def lap_json(count: int = 4, **fields: Any) -> Json:
    """A LapUploadRequest with `count` frames; a field that is no argument of the document goes into every frame."""
    return {
        "session": session_json(),
        "lap": {"lap_time": 88.8, "frames": [frame_json(i, count, **fields) for i in range(count)]},
    }


def to_bytes(document: object) -> bytes:
    """A document as UTF-8; lone surrogates and NaN as Python's json writes them."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def columns(count: int = 4) -> dict[str, pa.Array | np.ndarray]:
    """The required channels of a whole lap."""
    return {
        "timestamp": pa.array([STARTED_AT + timedelta(seconds=i / 60) for i in range(count)]),
        "session_time": 100 + np.arange(count) / 60,
        "lap_number": np.full(count, 3),
        "lap_distance_pct": np.linspace(0, 1, count),
        "speed": np.full(count, 40.5),
        "throttle": np.ones(count),
        "brake": np.zeros(count),
    }


def make_lap(
    count: int = 4,
    *,
    number: int = 3,
    session_id: uuid.UUID = SESSION_ID,
    lap_id: uuid.UUID | None = None,
    lap_time: float | None = 88.8,
    car: str = "sim-gt3",
    extra: Mapping[str, Any] | None = None,
) -> Lap:
    """A lap with the required channels and these."""
    session = SessionFrame.model_validate(session_json(session_id=session_id, car_id=car))
    frames = frames_from_columns({**columns(count), "lap_number": np.full(count, number), **(extra or {})}, count)
    return Lap(lap_id or uuid.uuid5(session_id, str(number)), session, lap_time, frames)


def large_lap(size: int, **fields: Any) -> Lap:
    """A lap that takes about `size` bytes in the Arrow encoding, since its numbers are noise."""
    count = size // 8
    nothing = {name: np.zeros(count) for name in ("session_time", "lap_distance_pct")}
    stamps = pa.array([STARTED_AT] * count)
    noise = np.random.default_rng(fields.get("number", 0)).random(count)
    return make_lap(count, extra={**nothing, "timestamp": stamps, "latitude": noise}, **fields)


# --- random ----------------------------------------------------------------------------------------------

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_EXTREMES = [0.0, -0.0, 1.0, -1.0, _FLOAT32_MAX, -_FLOAT32_MAX, 5e-324, 1.401298464324817e-45, 0.1, 1 / 3]

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=256)
IDENTIFIERS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=64)
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


def numbers(channel: Channel) -> st.SearchStrategy[Any]:
    """Values of a channel that can be stored."""
    if pa.types.is_boolean(channel.type):
        return st.booleans()
    if pa.types.is_integer(channel.type):
        return st.integers(channel.minimum, channel.maximum)
    width = 32 if channel.type == pa.float32() else 64
    return st.sampled_from(_EXTREMES) | st.floats(allow_nan=False, allow_infinity=False, width=width)


@st.composite
def sessions(draw: st.DrawFn) -> SessionFrame:
    """Driving sessions with every field that may be there."""
    return SessionFrame(
        session_id=draw(st.uuids()),
        track_id=draw(IDENTIFIERS),
        track_name=draw(TEXTS),
        car_id=draw(IDENTIFIERS),
        car_name=draw(TEXTS),
        timestamp=draw(st.none() | INSTANTS),
        track_config_name=draw(st.none() | TEXTS),
        track_type=draw(TEXTS),
        car_class_id=draw(st.none() | IDENTIFIERS),
        series_id=draw(st.none() | IDENTIFIERS),
        session_type=draw(st.none() | TEXTS),
        driver_id=draw(st.none() | IDENTIFIERS),
        driver_name=draw(st.none() | TEXTS),
    )


_REQUIRED = [channel for channel in CHANNELS if channel.required]
_OPTIONAL = [channel for channel in CHANNELS if not channel.required]


@st.composite
def laps(draw: st.DrawFn) -> Lap:
    """Valid laps of a few frames: some channels full, some with holes, most absent, values up to the limits."""
    count = draw(st.integers(1, 6))
    start = draw(INSTANTS)
    values = {channel.name: _required(draw, channel, count, start) for channel in _REQUIRED}
    for channel in draw(st.lists(st.sampled_from(_OPTIONAL), max_size=6, unique=True)):
        values[channel.name] = draw(st.lists(st.none() | numbers(channel), min_size=count, max_size=count))
    return Lap(
        lap_id=draw(st.uuids()),
        session=draw(sessions()),
        lap_time=draw(st.none() | st.floats(5e-324, 1e9)),
        frames=frames_from_columns(
            {
                channel.name: pa.array(values[channel.name], channel.type)
                for channel in CHANNELS
                if channel.name in values
            },
            count,
        ),
    )


def _required(draw: st.DrawFn, channel: Channel, count: int, start: datetime) -> list[Any]:
    """Values that keep to the rules of a lap."""
    if channel.name == "timestamp":
        day = 86_400_000_000
        offsets = draw(st.lists(st.integers(-day, day), min_size=count - 1, max_size=count - 1))
        return [start, *(start + timedelta(microseconds=offset) for offset in offsets)]
    if channel.name == "lap_number":
        return [draw(numbers(channel))] * count
    column = draw(st.lists(numbers(channel), min_size=count, max_size=count))
    return sorted(column) if channel.name == "session_time" else column
