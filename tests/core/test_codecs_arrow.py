"""The Arrow encoding: what a stream may hold, and that nothing in one can hurt."""

import json
import struct
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laps import SESSION_ID, columns, make_lap, session_json

from racing_coach_core.codecs.arrow import MAGIC, decode_arrow, encode_arrow
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import InvalidLapError, MalformedPayloadError, PayloadError, PayloadTooLargeError
from racing_coach_core.identity import content_sha256, lap_id_for
from racing_coach_core.lap import Lap

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LIMITS = PayloadLimits()


def head_json(**fields: Any) -> dict[str, Any]:
    return {"session": session_json(), "lap": {"lap_time": 88.8}, **fields}


def stream(
    values: Mapping[str, Any] | pa.Table,
    *,
    head: Any = None,
    compression: str | None = "zstd",
    batch_rows: int | None = None,
) -> bytes:
    """An IPC stream of whatever columns, as any Arrow program would write it."""
    table = values if isinstance(values, pa.Table) else pa.table(dict(values))
    head = head_json() if head is None else head
    table = table.replace_schema_metadata({b"racing_coach.lap": json.dumps(head).encode()})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue().to_pybytes()


def decode(payload: bytes, **limits: int) -> Lap:
    return decode_arrow(payload, PayloadLimits(**limits))


def refusal(payload: bytes, kind: type[PayloadError], **limits: int) -> str:
    with pytest.raises(kind) as raised:
        decode(payload, **limits)
    assert raised.type is kind
    return str(raised.value)


# --- what is accepted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("batch_rows", [None, 1, 7])
def test_any_arrow_writer_will_do(compression: str | None, batch_rows: int | None) -> None:
    """Uncompressed or with either codec, in one batch or in several, the lap is the same."""
    lap = decode(stream(columns(20), compression=compression, batch_rows=batch_rows))
    assert lap.frames.equals(make_lap(20).frames)
    assert (lap.lap_time, lap.lap_number, lap.session.track_name) == (88.8, 3, "Road Atlanta")
    assert lap.lap_id == lap_id_for(SESSION_ID, 3)


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


def test_our_own_encoding_leaves_out_what_has_no_value() -> None:
    """Channels without any value cost nothing on the wire."""
    payload = encode_arrow(make_lap(4))
    assert payload.startswith(MAGIC)
    assert set(pa.ipc.open_stream(payload).schema.names) == set(columns())


def test_a_slice_of_a_recording_is_encoded_as_what_it_shows() -> None:
    """Frames cut out of a longer batch carry nothing of their neighbours."""
    recording = make_lap(1000).frames
    lap = Lap(uuid.uuid4(), make_lap().session, None, recording.slice(400, 20))
    payload = encode_arrow(lap)
    assert len(payload) < len(encode_arrow(make_lap(1000)))
    assert decode(payload).frames.equals(lap.frames)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_broken_sensor_costs_its_own_values(value: float) -> None:
    """NaN, infinity and what does not fit become null where a channel is not required."""
    lap = decode(stream({**columns(3), "rpm": np.array([1.0, value, 3.0])}))
    assert lap.frames.column("rpm").to_pylist() == [1.0, None, 3.0]
    assert decode(stream({**columns(3), "latitude": np.array([1.0, value, 3.0])})).frames.column("latitude")[
        1
    ].as_py() == (1e39 if value == 1e39 else None)


# --- what is refused -------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a"] * 4),
        pa.array([b"a"] * 4),
        pa.array(["a"] * 4).dictionary_encode(),
        pa.array([1.5] * 4).dictionary_encode(),
        pa.array([[1.5]] * 4),
        pa.array([{"a": 1}] * 4),
        pa.array([1] * 4).cast(pa.decimal128(21, 2)),
        pa.RunEndEncodedArray.from_arrays([4], [1.5]),
        pa.array(["a"] * 4, pa.string_view()),
        pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int8())),
        pa.UnionArray.from_sparse(pa.array([0] * 4, pa.int8()), [pa.array([1] * 4)]),
        pa.array([b"0123456789abcdef"] * 4, pa.uuid()),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("name", ["rpm", "another"])
def test_a_lap_has_plain_columns(name: str, column: pa.Array) -> None:
    """Text, dictionaries, lists, structs and the like are refused before their data is looked at."""
    assert "a lap has plain columns" in refusal(stream({**columns(4), name: column}), MalformedPayloadError)


def test_a_column_is_there_once() -> None:
    """Nobody could say which one counts."""
    table = pa.table(columns(4))
    table = table.append_column("speed", table.column("speed"))
    assert "the column 'speed' is there twice" in refusal(stream(table), MalformedPayloadError)


@pytest.mark.parametrize("batch_rows", [None, 1])
def test_a_lap_has_frames(batch_rows: int | None) -> None:
    """Columns without a row, or no batch at all, are no lap."""
    payload = stream(pa.table(columns(4)).slice(0, 0), batch_rows=batch_rows)
    assert "must hold at least one frame" in refusal(payload, InvalidLapError)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({}, "session: is required"),
        (head_json(session=session_json(session_id="x")), "session.session_id: "),
        (head_json(lap={"lap_time": "fast"}), "lap.lap_time: "),
        (head_json(lap_id=5), "lap_id: "),
        (head_json(lap={"frame_count": -1}), "lap.frame_count: "),
        ([], "Input should be an object"),
    ],
)
def test_the_head_is_validated_like_the_json(head: Any, message: str) -> None:
    """Session and lap are held against the same models as in a JSON document."""
    assert message in refusal(stream(columns(4), head=head), InvalidLapError)


def test_a_stream_without_a_head_is_no_lap() -> None:
    """Some other Arrow stream is told what it lacks."""
    sink = pa.BufferOutputStream()
    table = pa.table(columns(4))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert "no 'racing_coach.lap'" in refusal(sink.getvalue().to_pybytes(), MalformedPayloadError)


def test_a_head_that_is_no_json_is_told() -> None:
    """Not even syntax."""
    table = pa.table(columns(4)).replace_schema_metadata({b"racing_coach.lap": b"\xff{"})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert "Invalid JSON" in refusal(sink.getvalue().to_pybytes(), InvalidLapError)


@pytest.mark.parametrize("payload", [MAGIC, MAGIC + bytes(4), MAGIC * 2, MAGIC + b"\x08\0\0\0", MAGIC + bytes(100)])
def test_a_stream_with_nothing_in_it(payload: bytes) -> None:
    """A marker alone, and a stream that ends where it begins, are malformed: never StopIteration, which asyncio hangs on."""
    refusal(payload, MalformedPayloadError)


def test_a_stream_that_begins_with_a_batch() -> None:
    """The schema comes first."""
    payload = stream(columns(4))
    first = pa.ipc.MessageReader.open_stream(payload).read_next_message()
    rest = payload[first.serialize().size :]
    assert rest.startswith(MAGIC)
    assert "not with a schema" in refusal(rest, MalformedPayloadError)


def test_a_second_schema_is_refused() -> None:
    """Two laps, one after the other, are not one lap."""
    payload = stream(columns(4))
    end_of_stream = MAGIC + bytes(4)
    assert payload.endswith(end_of_stream)
    two = payload.removesuffix(end_of_stream) + payload
    assert "holds a schema; a lap has only record batches" in refusal(two, MalformedPayloadError)


# --- cut short -------------------------------------------------------------------------------------------


def test_a_stream_cut_short_anywhere_is_refused_or_whole() -> None:
    """Wherever it ends: nothing but the end marker, or part of it, may be missing."""
    lap = make_lap(20)
    payload = encode_arrow(lap)
    for end in range(4, len(payload)):
        try:
            found = decode(payload[:end])
        except PayloadError:
            continue
        assert end >= len(payload) - 8
        assert found.frames.equals(lap.frames)


def test_a_stream_cut_between_two_batches_is_noticed() -> None:
    """Arrow takes that for the end; the count of frames in the head tells that it is not."""
    payload = stream(columns(20), batch_rows=5, head=head_json(lap={"frame_count": 20}))
    cuts = [at for at in range(len(payload)) if payload.startswith(MAGIC, at)][2:-1]
    found = {refusal(payload[:cut], MalformedPayloadError) for cut in cuts}
    assert "Arrow: the payload is cut short: 15 of 20 frames" in found


# --- limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_rows", [None, 1, 4])
def test_as_many_frames_as_allowed(batch_rows: int | None) -> None:
    """The last frame that fits, and the first that does not, in one batch or several."""
    assert decode(stream(columns(10), batch_rows=batch_rows), frames=10).frames.num_rows == 10
    message = refusal(stream(columns(10), batch_rows=batch_rows), PayloadTooLargeError, frames=9)
    assert "too large: the number of frames may be at most 9, found 10" in message


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("batch_rows", [None, 100])
def test_decoded_bytes_are_counted_before_they_are_allocated(compression: str, batch_rows: int | None) -> None:
    """What the buffers declare to become is held against the limit, batch by batch."""
    payload = stream(columns(1000), compression=compression, batch_rows=batch_rows)
    assert decode(payload, decoded_bytes=100_000).frames.num_rows == 1000
    assert "the decoded payload in bytes" in refusal(payload, PayloadTooLargeError, decoded_bytes=30_000)


def prefixes(payload: bytes) -> list[int]:
    """Where the declared lengths of the zstd buffers are: 8 bytes before each frame."""
    return [at - 8 for at in range(8, len(payload)) if payload.startswith(ZSTD_MAGIC, at)]


@pytest.mark.parametrize("declared", [2**40, 2**62, 2**63 - 1, 129 * 2**20])
def test_a_buffer_that_declares_too_much_is_refused(declared: int) -> None:
    """A few bytes that claim to become terabytes never get them."""
    payload = encode_arrow(make_lap(100))
    found = prefixes(payload)
    assert len(found) >= 5
    for at in found:
        patched = bytearray(payload)
        patched[at : at + 8] = struct.pack("<q", declared)
        assert "the decoded payload in bytes" in refusal(bytes(patched), PayloadTooLargeError)


@pytest.mark.parametrize("declared", [-(2**63), -2, 0, 1, 2**20])
def test_a_buffer_that_declares_another_length_is_refused(declared: int) -> None:
    """Less or more than comes out, or a negative number, is malformed or no lap, whichever shows first."""
    payload = encode_arrow(make_lap(100))
    for at in prefixes(payload):
        patched = bytearray(payload)
        patched[at : at + 8] = struct.pack("<q", declared)
        with pytest.raises(PayloadError):
            decode(bytes(patched))


def test_many_buffers_that_together_declare_too_much_are_refused() -> None:
    """The sum counts, not each by itself."""
    payload = bytearray(encode_arrow(make_lap(100)))
    for at in prefixes(payload):
        payload[at : at + 8] = struct.pack("<q", 100 * 2**20)
    assert "the decoded payload in bytes" in refusal(bytes(payload), PayloadTooLargeError)


def test_a_schema_of_sensible_size() -> None:
    """A head or a list of columns of megabytes is refused before Arrow makes objects of it."""
    assert "the schema in bytes" in refusal(stream(columns(4), head=head_json(x="x" * 2**20)), PayloadTooLargeError)
    wide = {**columns(4), **{f"c{i}": pa.nulls(4) for i in range(600)}}
    assert "the number of columns may be at most 512, found 607" in refusal(stream(wide), PayloadTooLargeError)


def test_a_sensible_number_of_batches() -> None:
    """A batch a frame is too much beyond a few hundred, empty ones included."""
    assert decode(stream(columns(500), batch_rows=1)).frames.num_rows == 500
    message = refusal(stream(columns(501), batch_rows=1), PayloadTooLargeError)
    assert "the number of record batches may be at most 500" in message


# --- corruption ------------------------------------------------------------------------------------------

BASES = [
    encode_arrow(make_lap(20, extra={"gear": np.full(20, 3), "rpm": np.arange(20.0)})),
    *(
        stream({**columns(20), "on_pit_road": pa.array([None, True] * 10)}, compression=compression, batch_rows=7)
        for compression in (None, "zstd", "lz4")
    ),
]
_patches = st.one_of(
    st.integers(0, 7).map(lambda bit: 1 << bit),
    st.sampled_from(
        [b"\xff" * 8, bytes(8), struct.pack("<q", 2**40), struct.pack("<q", 2**63 - 1), b"\xff" * 4, bytes(4)]
    ),
    st.binary(min_size=1, max_size=8),
)


@settings(max_examples=1500)
@given(base=st.sampled_from(BASES), data=st.data())
def test_corruption_anywhere_is_an_error_of_ours_or_a_valid_lap(base: bytes, data: st.DataObject) -> None:
    """Flipped bits, overwritten lengths and cuts: only PayloadError escapes, and what passes has passed validation."""
    payload = bytearray(base)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        patch = data.draw(_patches)
        if isinstance(patch, int):
            payload[at] ^= patch
        else:
            payload[at : at + len(patch)] = patch
    try:
        lap = decode(bytes(payload))
    except PayloadError:
        return
    assert lap.frames.num_rows > 0
    assert lap.frames.column("speed").null_count == 0


def test_a_batch_compressed_as_before_arrow_1_is_refused_unread() -> None:
    """Its declared lengths do not show what it decodes to: 20 KB would become 600 MB."""
    size = 600 << 20
    raw = struct.pack("<q", size) + pa.compress(bytes(size), codec="zstd", asbytes=True)
    rows = -(-len(raw) // 8)
    column = pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(raw.ljust(rows * 8, b"\0"))])
    batch = pa.RecordBatch.from_arrays([column], names=["session_flags"])
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    most = pa.default_memory_pool().max_memory()

    with pytest.raises(MalformedPayloadError, match=r"a format before that of Arrow 1\.0"):
        decode_arrow(sink.getvalue().to_pybytes(), PayloadLimits())

    assert pa.default_memory_pool().max_memory() < most + (100 << 20)


def test_want_of_memory_is_no_fault_of_the_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's error is a MemoryError: the lap is tried again and not rejected."""

    def no_memory(*_: Any, **__: Any) -> None:
        raise pa.ArrowMemoryError("malloc of size 900032 failed")

    monkeypatch.setattr(pa.ipc, "open_stream", no_memory)

    with pytest.raises(MemoryError):
        decode_arrow(encode_arrow(make_lap()), PayloadLimits())
