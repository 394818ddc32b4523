"""From the bytes on the wire to a lap: whichever way it came, the same lap, and bounded memory whatever comes."""

import contextlib
import gzip
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.laps import frame_json, lap_json, laps, make_lap, session_json, to_bytes

from racing_coach_core.codecs import arrow, json
from racing_coach_core.codecs.compression import Compression
from racing_coach_core.codecs.decode import CONTENT_TYPES, decode_lap, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.content import content_sha256
from racing_coach_core.exceptions import (
    ContentTypeError,
    MalformedPayloadError,
    PayloadError,
    PayloadTooLargeError,
    UnknownEncodingError,
)
from racing_coach_core.lap import Lap

WRAP = {
    Compression.NONE: bytes,
    Compression.GZIP: lambda payload: gzip.compress(payload, 1),
    Compression.ZSTD: lambda payload: pa.compress(payload, "zstd", asbytes=True),
}
every_way = pytest.mark.parametrize(
    ("encoding", "compression"),
    [(encoding, compression) for encoding in Encoding for compression in Compression],
    ids=lambda value: value.value,
)


@every_way
@examples(60)
@given(lap=laps())
def test_a_lap_comes_out_as_it_went_in(encoding: Encoding, compression: Compression, lap: Lap) -> None:
    """Any lap, nulls and extremes included, survives both encodings in every wrapping."""
    decoded = decode_lap(WRAP[compression](encode_lap(lap, encoding)), content_type=CONTENT_TYPES[encoding])
    assert (decoded.encoding, decoded.compression) == (encoding, compression)
    assert decoded.lap.frames.equals(lap.frames)
    assert (decoded.lap.lap_id, decoded.lap.session, decoded.lap.lap_time) == (lap.lap_id, lap.session, lap.lap_time)
    assert content_sha256(lap.lap_time, lap.frames) == content_sha256(decoded.lap.lap_time, decoded.lap.frames)


@every_way
@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_a_payload_in_any_buffer(encoding: Encoding, compression: Compression, buffer: Any) -> None:
    """Whatever holds the bytes, they are not changed."""
    payload = WRAP[compression](encode_lap(make_lap(), encoding))
    held = buffer(bytearray(payload))
    assert decode_lap(held).lap.frames.equals(make_lap().frames)
    assert bytes(held) == payload


@pytest.mark.parametrize(
    "payload", [b"", gzip.compress(b""), pa.compress(b"", "zstd", asbytes=True)], ids=["nothing", "gzip", "zstd"]
)
def test_nothing_is_malformed(payload: bytes) -> None:
    """An empty payload, wrapped or not, is told to be empty."""
    with pytest.raises(MalformedPayloadError, match="the payload is empty"):
        decode_lap(payload)


@pytest.mark.parametrize(
    "payload", [b"[1]", b"null", b'"x"', b"1", b"lap", b"\0", b"ARROW1\0\0", b"\xef\xbb\xbf{}", b"PK\x03\x04", b" "]
)
def test_what_is_neither_json_object_nor_arrow_stream(payload: bytes) -> None:
    """The error shows how it begins."""
    with pytest.raises(UnknownEncodingError, match="the payload begins with b"):
        decode_lap(payload)
    with pytest.raises(UnknownEncodingError):
        decode_lap(gzip.compress(payload))


def test_a_wrapping_inside_a_wrapping_is_unknown() -> None:
    """One layer is taken off, and no more."""
    with pytest.raises(UnknownEncodingError):
        decode_lap(gzip.compress(gzip.compress(to_bytes(lap_json()))))


JSON, ARROW = json.CONTENT_TYPE, arrow.CONTENT_TYPE


@pytest.mark.parametrize(
    ("content_type", "encoding", "compression", "agrees"),
    [
        (None, "json", "none", True),
        (JSON, "json", "none", True),
        (JSON, "json", "gzip", True),
        ("Application/JSON; charset=utf-8", "json", "none", True),
        (ARROW, "arrow", "none", True),
        (ARROW, "arrow", "zstd", True),
        ("application/octet-stream", "arrow", "none", True),
        ("application/gzip", "json", "gzip", True),
        ("application/x-gzip", "arrow", "gzip", True),
        ("application/zstd", "arrow", "zstd", True),
        (JSON, "arrow", "none", False),
        (ARROW, "json", "none", False),
        (JSON, "arrow", "gzip", False),
        ("application/gzip", "json", "none", False),
        ("application/gzip", "json", "zstd", False),
        ("application/zstd", "json", "none", False),
        ("text/plain", "json", "none", False),
        ("", "json", "none", False),
    ],
)
def test_the_content_type_agrees_with_the_bytes(
    content_type: str | None, encoding: str, compression: str, agrees: bool
) -> None:
    """Where a content type is set it names the encoding, or the wrapping, or says nothing."""
    payload = WRAP[Compression(compression)](encode_lap(make_lap(), Encoding(encoding)))
    if agrees:
        decode_lap(payload, content_type=content_type)
        return
    with pytest.raises(ContentTypeError) as raised:
        decode_lap(payload, content_type=content_type)
    assert raised.value.content_type == content_type
    assert encoding in raised.value.found


@every_way
def test_the_limit_on_the_wire(encoding: Encoding, compression: Compression) -> None:
    """A payload of just the limit passes, one byte more does not, and is not even unwrapped."""
    payload = WRAP[compression](encode_lap(make_lap(), encoding))
    decode_lap(payload, limits=PayloadLimits(wire_bytes=len(payload)))
    with pytest.raises(PayloadTooLargeError) as raised:
        decode_lap(payload, limits=PayloadLimits(wire_bytes=len(payload) - 1))
    assert (raised.value.what, raised.value.size) == ("the payload in bytes", len(payload))


@every_way
def test_the_limit_after_unwrapping(encoding: Encoding, compression: Compression) -> None:
    """What comes out of the wrapping has a limit of its own."""
    plain = encode_lap(make_lap(), encoding)
    decode_lap(WRAP[compression](plain), limits=PayloadLimits(decoded_bytes=len(plain)))
    with pytest.raises(PayloadTooLargeError) as raised:
        decode_lap(WRAP[compression](plain), limits=PayloadLimits(decoded_bytes=len(plain) - 1))
    assert raised.value.what == "the decoded payload in bytes"


@every_way
def test_a_payload_cut_short_is_never_a_lap(encoding: Encoding, compression: Compression) -> None:
    """Wherever it ends, but for Arrow's end marker, which holds nothing."""
    payload = WRAP[compression](encode_lap(make_lap(30), encoding))
    ends = range(len(payload) - (8 if encoding is Encoding.ARROW and compression is Compression.NONE else 0))
    for end in np.linspace(0, len(ends) - 1, 300).astype(int):
        with pytest.raises(PayloadError):
            decode_lap(payload[:end])


BASES = [wrap(encode_lap(make_lap(8), encoding)) for encoding in Encoding for wrap in WRAP.values()]


@examples(500)
@given(
    base=st.sampled_from(BASES), flips=st.lists(st.tuples(st.integers(0), st.integers(0, 7)), min_size=1, max_size=4)
)
def test_flipped_bits_are_an_error_of_ours(base: bytes, flips: list[tuple[int, int]]) -> None:
    """Whatever is corrupted, the sender gets a reason, and nobody else's exception comes out."""
    payload = bytearray(base)
    for at, bit in flips:
        payload[at % len(payload)] ^= 1 << bit
    with contextlib.suppress(PayloadError):
        decode_lap(payload)


@examples(300)
@given(
    start=st.sampled_from([b"", b"{", b" \n{", arrow.MAGIC, b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"]),
    rest=st.binary(max_size=200),
)
def test_noise_is_an_error_of_ours(start: bytes, rest: bytes) -> None:
    """No bytes at all get anything but a PayloadError, or a lap."""
    with pytest.raises(PayloadError):
        decode_lap(start + rest)


# --- memory ----------------------------------------------------------------------------------------------

LIMIT = 32 * 2**20
_DECODE = f"""
import sys
from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import PayloadError

try:
    decode_lap(sys.stdin.buffer.read(), limits=PayloadLimits(decoded_bytes={LIMIT}))
except PayloadError as error:
    print(type(error).__name__)
else:
    print("Lap")
with open("/proc/self/status") as status:  # resource.getrusage would count the parent's memory too
    print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def decode_elsewhere(payload: bytes) -> tuple[str, int]:
    """What becomes of a payload in a process of its own, and the most memory that took, in MiB; 85 with nothing."""
    done = subprocess.run([sys.executable, "-c", _DECODE], input=payload, capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr.decode()
    outcome, peak = done.stdout.decode().split()
    return outcome, int(peak)


def repeated(unit: bytes, size: int, compression: str, *, start: bytes = b"", end: bytes = b"") -> bytes:
    """A payload that unwraps to `size` bytes, made without ever holding them."""
    sink = pa.BufferOutputStream()
    piece = unit * (2**20 // len(unit))
    with pa.CompressedOutputStream(sink, compression) as stream:
        stream.write(start)
        for _ in range(size // len(piece)):
            stream.write(piece)
        stream.write(unit.rstrip(b",") + end)
    return sink.getvalue().to_pybytes()


HEAD = b'{"session":' + to_bytes(session_json()) + b',"lap":{"frames":['
FRAME = to_bytes(frame_json())


def gzip_bomb() -> bytes:
    """Ten gigabytes in ten megabytes, the most that gzip can do."""
    return gzip.compress(bytes(10 * 2**20)) * 1000


def zstd_bomb() -> bytes:
    """Ten gigabytes in 320 kilobytes: a frame header, and blocks of 128 KiB of one byte each (RFC 8878, 3.1.1)."""
    block = (1 << 1 | 2**17 << 3).to_bytes(3, "little") + b"{"
    return b"\x28\xb5\x2f\xfd" + bytes([0, 13 << 3]) + block * (10 * 2**30 // 2**17)


@on_linux
@pytest.mark.parametrize("bomb", [gzip_bomb, zstd_bomb])
def test_a_bomb_never_gets_more_than_the_limit(bomb: Callable[[], bytes]) -> None:
    """Ten gigabytes in a message that the wire lets through are refused as soon as they are over the limit."""
    payload = bomb()
    assert len(payload) < PayloadLimits().wire_bytes
    outcome, peak = decode_elsewhere(payload)
    assert outcome == "PayloadTooLargeError"
    assert peak < 200


@on_linux
@pytest.mark.parametrize(
    ("start", "unit", "end", "outcome"),
    [
        pytest.param(HEAD, b"{},", b"]}}", "PayloadTooLargeError", id="empty frames"),
        pytest.param(HEAD, b"null,", b"]}}", "InvalidLapError", id="null frames"),
        pytest.param(HEAD, b"0,", b"]}}", "InvalidLapError", id="numbers for frames"),
        pytest.param(HEAD, FRAME + b",", b"]}}", "PayloadTooLargeError", id="too many good frames"),
        pytest.param(HEAD + FRAME + b'],"lap_time":[', b"[],", b"]}}", "InvalidLapError", id="lists for a lap time"),
        pytest.param(b'{"session":{"x":[', b"[],", b"]}}", "InvalidLapError", id="lists in the session"),
        pytest.param(HEAD + b'{"gear":1.5,"x":[', b"[],", b"]}]}}", "InvalidLapError", id="lists in a frame"),
        pytest.param(b'{"x":[', b"[],", b"]," + HEAD[1:] + FRAME + b"]}}", "Lap", id="lists that are ignored"),
        pytest.param(HEAD, FRAME[:-1] + b',"x":"' + b"x" * 900 + b'"},', b"]}}", "InvalidLapError", id="long strings"),
    ],
)
def test_json_within_the_limit_never_grows_far_beyond_it(start: bytes, unit: bytes, end: bytes, outcome: str) -> None:
    """JSON of just the limit, whatever it is made of, is refused or read within a few times its size."""
    payload = repeated(unit, LIMIT - 2**20, "zstd", start=start, end=end)
    found, peak = decode_elsewhere(payload)
    assert found == outcome
    assert peak < 85 + 5 * LIMIT // 2**20


@on_linux
@pytest.mark.parametrize("columns", [0, 1, 60])
def test_arrow_within_the_limit_never_grows_far_beyond_it(columns: int) -> None:
    """A stream of countless batches with next to nothing in them is refused before it is read."""
    batch = make_lap(1).frames.select([0] if columns == 1 else list(range(columns)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stream = sink.getvalue().to_pybytes()
    schema_end = pa.ipc.MessageReader.open_stream(stream).read_next_message().serialize().size
    payload = repeated(stream[schema_end:-8], LIMIT - 2**20, "zstd", start=stream[:schema_end])
    found, peak = decode_elsewhere(payload)
    assert found in {"PayloadTooLargeError", "MalformedPayloadError"}
    assert peak < 85 + 4 * LIMIT // 2**20
