"""What a stream declares is looked at before anything is allocated."""

import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.codecs.arrow_streams import decode, head_json, prefixes, refusal, stream
from tests.examples import examples
from tests.laps import columns, make_lap

from racing_coach_core.codecs.arrow import decode_arrow, encode_arrow
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import MalformedPayloadError, PayloadError, PayloadTooLargeError


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


@examples(1500)
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
