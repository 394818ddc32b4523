"""gzip and zstd are taken off whole or not at all, and never beyond the limit."""

import contextlib
import gzip
import random
import time
import zlib

import psutil
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from racing_coach_core.codecs.compression import Compression, decompress, detect
from racing_coach_core.exceptions import MalformedPayloadError, PayloadTooLargeError

LIMIT = 2**20


def zstd_streamed(content: bytes) -> bytes:
    """As a program writes it that does not know the length beforehand: the frame does not declare it."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


WRAPPERS = {
    "gzip": (Compression.GZIP, gzip.compress),
    "zstd": (Compression.ZSTD, lambda content: pa.compress(content, "zstd", asbytes=True)),
    "zstd, streamed": (Compression.ZSTD, zstd_streamed),
}
wrapped = pytest.mark.parametrize("kind", WRAPPERS)


@wrapped
@given(content=st.binary(max_size=5000))
@example(content=b"")
def test_what_was_wrapped_comes_out(kind: str, content: bytes) -> None:
    """Wrapping is told by the first bytes, and unwrapping gives back the content."""
    compression, wrap = WRAPPERS[kind]
    payload = wrap(content)
    assert detect(payload) is compression
    assert decompress(payload, compression, LIMIT) == content
    assert decompress(memoryview(payload), compression, LIMIT) == content


@wrapped
def test_a_payload_cut_short_anywhere_is_malformed(kind: str) -> None:
    """Wherever it ends too early, and whether or not it declares its length, none of it is passed on."""
    compression, wrap = WRAPPERS[kind]
    payload = wrap(bytes(range(256)) * 50)
    for end in range(4, len(payload)):
        with pytest.raises(MalformedPayloadError):
            decompress(payload[:end], compression, LIMIT)


@wrapped
def test_a_second_part_cut_short_is_malformed(kind: str) -> None:
    """Two members or frames are one payload, and half of the second is too little."""
    compression, wrap = WRAPPERS[kind]
    payload = wrap(b"first") + wrap(b"second")
    assert decompress(payload, compression, LIMIT) == b"firstsecond"
    for end in range(len(wrap(b"first")) + 1, len(payload)):
        with pytest.raises(MalformedPayloadError):
            decompress(payload[:end], compression, LIMIT)


@wrapped
@given(data=st.data())
def test_corruption_is_malformed_or_harmless(kind: str, data: st.DataObject) -> None:
    """A flipped bit anywhere gives an error of ours or some content, and nothing else."""
    compression, wrap = WRAPPERS[kind]
    payload = bytearray(wrap(b"a lap, a lap, and another lap" * 20))
    payload[data.draw(st.integers(4, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(MalformedPayloadError, PayloadTooLargeError):
        decompress(payload, compression, LIMIT)


def test_a_wrong_checksum_is_malformed() -> None:
    """gzip's own checksum is looked at."""
    payload = bytearray(gzip.compress(b"a lap"))
    payload[-5] ^= 1
    with pytest.raises(MalformedPayloadError, match="incorrect data check"):
        decompress(payload, Compression.GZIP, LIMIT)


@wrapped
def test_rubbish_behind_the_payload_is_malformed(kind: str) -> None:
    """What follows is another part of the payload or a mistake."""
    compression, wrap = WRAPPERS[kind]
    with pytest.raises(MalformedPayloadError):
        decompress(wrap(b"a lap") + b"and more", compression, LIMIT)


@wrapped
def test_the_limit_is_the_last_byte_that_fits(kind: str) -> None:
    """Content of just the limit comes out, one byte more is too large."""
    compression, wrap = WRAPPERS[kind]
    payload = wrap(bytes(LIMIT))
    assert len(decompress(payload, compression, LIMIT)) == LIMIT
    with pytest.raises(PayloadTooLargeError) as raised:
        decompress(payload, compression, LIMIT - 1)
    assert raised.value.limit == LIMIT - 1


def test_what_is_not_wrapped_has_the_same_limit() -> None:
    """Plain content is handed on as it is, without a copy, within the limit."""
    content = b"x" * 100
    assert detect(content) is Compression.NONE
    assert decompress(content, Compression.NONE, 100) is content
    with pytest.raises(PayloadTooLargeError) as raised:
        decompress(content, Compression.NONE, 99)
    assert raised.value.size == 100


@pytest.mark.parametrize("payload", [b"", b"\x1f", b"\x28\xb5\x2f", b"{", b"\xff\xff\xff\xff", b"BZh9"])
def test_what_looks_like_no_wrapping(payload: bytes) -> None:
    """Too short for a magic number, or of a kind that is not ours: not wrapped."""
    assert detect(payload) is Compression.NONE


@pytest.mark.parametrize(
    ("compression", "empty"),
    [
        (Compression.GZIP, gzip.compress(b"")),
        (Compression.ZSTD, pa.compress(b"", "zstd", asbytes=True)),
    ],
    ids=["gzip", "zstd"],
)
def test_a_million_empty_parts_take_no_time(compression: Compression, empty: bytes) -> None:
    """A payload within the wire limit cannot buy minutes of work with members or frames that hold nothing."""
    started = time.process_time()
    assert decompress(empty * (16 * 2**20 // len(empty)), compression, LIMIT) == b""
    assert time.process_time() - started < 5


def test_a_zstd_window_beyond_what_libzstd_allows_is_malformed() -> None:
    """A frame that asks for two gigabytes of back references gets an error and not the memory."""
    content = bytearray(zstd_streamed(b"a lap" * 100))
    assert not content[4] & 0x20  # not a single segment: byte 5 is the window descriptor, RFC 8878
    content[5] = (31 - 10) << 3
    with pytest.raises(MalformedPayloadError, match="too much memory"):
        decompress(content, Compression.ZSTD, LIMIT)


def test_a_raw_deflate_stream_is_no_gzip() -> None:
    """Only the gzip container is unwrapped."""
    assert detect(zlib.compress(b"a lap")) is Compression.NONE


@pytest.mark.parametrize("name", WRAPPERS)
def test_broken_payloads_leave_no_memory_behind(name: str) -> None:
    """Found by fuzzing: what each of them made the reader set aside was never given back."""
    compression, wrap = WRAPPERS[name]
    content = random.Random(1).randbytes(300_000)
    broken = bytearray(wrap(content))
    broken[len(broken) // 2 : len(broken) // 2 + 64] = b"\xff" * 64
    process = psutil.Process()

    def fail(times: int) -> None:
        for _ in range(times):
            with contextlib.suppress(MalformedPayloadError):
                decompress(broken[:-20], compression, 400_000)

    fail(20)
    before = process.memory_info().rss
    fail(300)

    assert process.memory_info().rss - before < 40 << 20  # it was 100 MB and more
