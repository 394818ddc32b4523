"""A record batch that is decompressed here is the one that pyarrow reads."""

import struct

import numpy as np
import pyarrow as pa
import pytest
from tests.core.codecs.arrow_streams import prefixes

from racing_coach_core.codecs.arrow_batch import read_batch
from racing_coach_core.codecs.arrow_form import form_of
from racing_coach_core.codecs.arrow_guard import declared_batch


def written(batch: pa.RecordBatch, compression: str | None = "zstd") -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def read(payload: bytes) -> pa.RecordBatch | None:
    """As the decoder does, before anything is validated."""
    schema, message = pa.ipc.MessageReader.open_stream(payload)
    form = form_of(pa.ipc.read_schema(schema))
    columns = read_batch(form, message, declared_batch(message))
    return None if columns is None else pa.RecordBatch.from_arrays(columns, schema=form.schema)


def plain(rows: int, chance: np.random.Generator) -> pa.RecordBatch:
    """A column of every plain type, with nulls and without, narrow ones before wide ones."""
    kinds = [
        pa.bool_(),
        pa.int8(),
        pa.uint16(),
        pa.float16(),
        pa.int32(),
        pa.float32(),
        pa.date32(),
        pa.time32("ms"),
        pa.int64(),
        pa.float64(),
        pa.timestamp("us", tz="UTC"),
        pa.duration("us"),
        pa.time64("us"),
    ]
    found: dict[str, pa.Array] = {"nothing": pa.nulls(rows)}
    for kind in kinds:
        numbers = pa.array(chance.integers(0, 2, rows), pa.int64())
        # Not all types are made of all others.
        whole = numbers.cast({"time32[ms]": pa.int32(), "date32[day]": pa.int32()}.get(str(kind), pa.int64()))
        values = numbers.cast(pa.float32()).cast(kind) if pa.types.is_float16(kind) else whole.cast(kind)
        found[str(kind)] = values
        found[f"{kind} at times"] = pa.array(
            [
                value if keep else None
                for value, keep in zip(values.to_pylist(), chance.random(rows) < 0.5, strict=True)
            ],
            kind,
        )
    return pa.record_batch(found)


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 481, 4_877])
def test_every_plain_type_is_read_as_it_was_written(rows: int) -> None:
    """Whatever the number of rows is, and so where in memory each column begins."""
    batch = plain(rows, np.random.default_rng(rows))

    found = read(written(batch))

    assert found is not None
    found.validate(full=True)
    assert found.equals(batch)
    for column in found.columns:
        values = column.buffers()[-1] if column.buffers() else None
        if values is not None and column.type.bit_width >= 8:
            assert values.address % (column.type.bit_width // 8) == 0, column.type


def test_a_buffer_that_was_left_uncompressed_is_taken_as_it_is() -> None:
    """The length before it says so: -1 (Arrow's Message.fbs, BodyCompressionMethod)."""
    noise = np.random.default_rng(1).integers(0, 2**31, 100, dtype=np.int32)
    batch = pa.record_batch({"noise": noise, "brake": pa.array([0.5] * 100)})
    payload = bytearray(written(batch))
    start = prefixes(bytes(payload))[0]
    # What cannot be compressed takes a few bytes more as a frame of zstd, so that there is room for it.
    payload[start : start + 8 + noise.nbytes] = struct.pack("<q", -1) + noise.tobytes()

    found = read(bytes(payload))

    assert found is not None
    assert found.equals(batch)


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_what_is_not_zstd_is_left_to_pyarrow(compression: str | None) -> None:
    """So is what is not compressed at all."""
    assert read(written(pa.record_batch({"speed": [1.0, 2.0]}), compression)) is None


def test_two_frames_in_one_buffer_are_left_to_pyarrow() -> None:
    """zstd allows it, and pyarrow reads both (RFC 8878, 3)."""
    noise = np.random.default_rng(1).integers(0, 2**31, 100, dtype=np.int32)
    payload = bytearray(written(pa.record_batch({"noise": noise})))
    _, message = pa.ipc.MessageReader.open_stream(bytes(payload))
    room = int(declared_batch(message).buffers.lengths[1])
    numbers = np.repeat(np.array([1, 2], np.int32), 50)
    frames = b"".join(pa.compress(half.tobytes(), codec="zstd", asbytes=True) for half in np.split(numbers, 2))
    # A frame that decoders skip fills what is left.
    frames += struct.pack("<II", 0x184D2A50, room - len(frames) - 8)
    start = prefixes(bytes(payload))[0] + 8
    payload[start : start + room] = frames.ljust(room, b"x")

    assert read(bytes(payload)) is None
    (batch,) = pa.ipc.open_stream(bytes(payload))
    assert batch.column("noise").to_pylist() == numbers.tolist()


@pytest.mark.parametrize("declared", [0, 8, 399, 401, 1 << 20])
def test_a_frame_of_another_length_than_declared_is_not_taken(declared: int) -> None:
    """Above all not one that declares none, of which as much would be decompressed as there is."""
    payload = bytearray(written(pa.record_batch({"noise": np.zeros(100, np.int32)})))
    start = prefixes(bytes(payload))[0]
    payload[start : start + 8] = struct.pack("<q", declared)

    assert read(bytes(payload)) is None


def test_nulls_that_are_not_declared_are_not_looked_for() -> None:
    """A column that says it has none has none, for pyarrow and for us, whatever its first buffer marks."""
    payload = written(pa.record_batch({"speed": pa.array([1.0, None] * 50)}))
    node = struct.pack("<qq", 100, 50)
    assert payload.count(node) == 1
    patched = payload.replace(node, struct.pack("<qq", 100, 0))

    found = read(patched)

    assert found is not None
    (batch,) = pa.ipc.open_stream(patched)
    assert batch.column("speed").null_count == found.column("speed").null_count == 0
    assert found.equals(batch)


@pytest.mark.parametrize("nulls", [-5, 51, 101, 2**62])
def test_a_number_of_nulls_that_is_wrong_passes_no_validation(nulls: int) -> None:
    """Nor does pyarrow's batch of it."""
    payload = written(pa.record_batch({"speed": pa.array([1.0, None] * 50)}))
    patched = payload.replace(struct.pack("<qq", 100, 50), struct.pack("<qq", 100, nulls))

    with pytest.raises(pa.ArrowInvalid):
        read(patched).validate(full=True)


def test_a_message_that_declares_too_few_buffers_is_not_taken() -> None:
    """Two for each column, and none for one of nulls."""
    payload = written(pa.record_batch({"speed": np.ones(100), "brake": np.ones(100)}))
    schema, message = pa.ipc.MessageReader.open_stream(payload)
    columns = list(pa.ipc.read_schema(schema))

    for other in (columns[:1], [*columns, pa.field("clutch", pa.float64())], [pa.field("rpm", pa.null()), columns[1]]):
        assert read_batch(form_of(pa.schema(other)), message, declared_batch(message)) is None


def test_neighbours_of_one_type_are_slices_of_one_column() -> None:
    """They lie side by side, and are what pyarrow reads; a null among them, or another type between, ends that."""
    rows = 300
    chance = np.random.default_rng(3)
    columns = {f"float {number}": pa.array(chance.random(rows), pa.float32()) for number in range(6)}
    columns["float 3"] = pa.array([None, *chance.random(rows - 1).tolist()], pa.float32())
    columns["between"] = pa.array(np.arange(rows), pa.int64())
    columns |= {f"later {number}": pa.array(chance.random(rows), pa.float32()) for number in range(3)}
    batch = pa.record_batch(columns)

    found = read(written(batch))

    assert found is not None
    found.validate(full=True)
    assert found.equals(batch)
    assert [column.offset for column in found.columns] == [0] * 7 + [0, rows, 2 * rows]


@pytest.mark.parametrize("rows", [2, 2_000])
def test_columns_that_are_too_short_are_not_read_beyond(rows: int) -> None:
    """What a column lacks would be there, in its neighbour: it is an error all the same, as it is for pyarrow."""
    batch = pa.record_batch({name: pa.array(np.zeros(rows), pa.float32()) for name in "ab"})
    _, message = pa.ipc.MessageReader.open_stream(written(batch))
    twice = pa.schema([(name, pa.float64()) for name in "ab"])
    with pytest.raises(pa.ArrowInvalid):
        read_batch(form_of(twice), message, declared_batch(message))
