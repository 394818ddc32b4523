"""An Arrow stream is a lap, whoever wrote it; all else is refused."""

import uuid
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from tests.core.codecs.arrow_streams import decode, head_json, refusal, stream
from tests.laps import SESSION_ID, columns, make_lap, session_json

from racing_coach_core.codecs.arrow import MAGIC, decode_arrow, encode_arrow
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import InvalidLapError, MalformedPayloadError, PayloadError
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("batch_rows", [None, 1, 7])
def test_any_arrow_writer_will_do(compression: str | None, batch_rows: int | None) -> None:
    """Uncompressed or with either codec, in one batch or in several, the lap is the same."""
    lap = decode(stream(columns(20), compression=compression, batch_rows=batch_rows))
    assert lap.frames.equals(make_lap(20).frames)
    assert (lap.lap_time, lap.lap_number, lap.session.track_name) == (88.8, 3, "Road Atlanta")
    assert lap.lap_id == lap_id_for(SESSION_ID, 3)


def test_our_own_encoding_leaves_out_what_has_no_value() -> None:
    """Channels without any value cost nothing on the wire."""
    payload = encode_arrow(make_lap(4))
    assert payload.startswith(MAGIC)
    assert set(pa.ipc.open_stream(payload).schema.names) == set(columns())


@pytest.mark.parametrize("rows", [1, 16, 301])
def test_a_lap_that_was_decoded_is_encoded_as_it_was(rows: int) -> None:
    """To the byte, though its columns lie side by side in memory then."""
    payload = encode_arrow(make_lap(rows))
    assert encode_arrow(decode_arrow(payload, PayloadLimits())) == payload


def test_a_slice_of_a_recording_is_encoded_as_what_it_shows() -> None:
    """Frames cut out of a longer batch carry nothing of their neighbours."""
    recording = make_lap(1000).frames
    lap = Lap(uuid.uuid4(), make_lap().session, None, recording.slice(400, 20))
    payload = encode_arrow(lap)
    assert len(payload) < len(encode_arrow(make_lap(1000)))
    assert decode(payload).frames.equals(lap.frames)


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
        pa.array([pa.MonthDayNano([1, 2, 3])] * 4),
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


@pytest.mark.parametrize(("compression", "read"), [("zstd", zstandard), ("lz4", pa.ipc)])
def test_want_of_memory_is_no_fault_of_the_payload(
    monkeypatch: pytest.MonkeyPatch, compression: str, read: ModuleType
) -> None:
    """The error is a MemoryError, Arrow's too: the lap is tried again and not rejected."""

    def no_memory(*_: Any, **__: Any) -> None:
        raise pa.ArrowMemoryError("malloc of size 900032 failed")

    payload = stream(columns(4), compression=compression)
    monkeypatch.setattr(read, "BufferWithSegments" if read is zstandard else "open_stream", no_memory)

    with pytest.raises(MemoryError):
        decode_arrow(payload, PayloadLimits())
