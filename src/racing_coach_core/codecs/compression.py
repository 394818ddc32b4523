"""Putting zstd around a payload, and taking gzip or zstd off one without ever holding more than the limit."""

from enum import StrEnum
from typing import Final, Literal

import pyarrow as pa

from racing_coach_core.exceptions import MalformedPayloadError, PayloadTooLargeError

_CHUNK: Final = 1 << 20

type Buffer = bytes | bytearray | memoryview


class Compression(StrEnum):
    """How a payload is wrapped; the names are pyarrow's too."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


def compress(payload: bytes) -> bytes:
    """Wrap a payload in one zstd frame. The same payload gives the same bytes."""
    return pa.compress(payload, codec="zstd", asbytes=True)


def detect(payload: Buffer) -> Compression:
    """Tell the wrapping by its magic number (RFC 1952, RFC 8878)."""
    head = bytes(payload[:4])
    if head[:2] == b"\x1f\x8b":
        return Compression.GZIP
    if head == b"\x28\xb5\x2f\xfd":
        return Compression.ZSTD
    return Compression.NONE


def decompress(payload: Buffer, compression: Compression, limit: int) -> Buffer:
    """Unwrap a payload.

    Several gzip members or zstd frames, one after the other, are one payload.

    Args:
        payload: the bytes on the wire.
        compression: what `detect` said.
        limit: most bytes that may come out; no more than this is ever allocated for them. What the
            decompressor keeps for back references comes on top: 32 KiB for gzip, and at most 128 MiB for
            zstd, above which libzstd refuses a frame (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`).

    Returns:
        The payload itself where it is not wrapped.

    Raises:
        PayloadTooLargeError: more than `limit` bytes would come out.
        MalformedPayloadError: broken or cut short.
    """
    if compression is Compression.NONE:
        if len(payload) > limit:
            raise PayloadTooLargeError("the decoded payload in bytes", len(payload), limit)
        return payload
    out = bytearray()
    try:
        # pyarrow's stream knows a payload that is cut short, releases the GIL, and walks over a million
        # empty members in the time that zlib's object takes for a hundred thousand.
        kind: Literal["gzip", "zstd"] = "gzip" if compression is Compression.GZIP else "zstd"
        with pa.input_stream(pa.py_buffer(payload), compression=kind) as stream:
            # Not `read`: where that fails it never gives back the bytes that it had set aside (pyarrow 26), and a
            # sender could use up the daemon's memory with broken payloads.
            while len(chunk := stream.read_buffer(min(_CHUNK, limit + 1 - len(out)))):
                out += memoryview(chunk)
                if len(out) > limit:
                    raise PayloadTooLargeError("the decoded payload in bytes", None, limit)
    except MemoryError:  # Arrow's is an ArrowException too, and no fault of the payload
        raise
    except (OSError, pa.ArrowException) as error:
        raise MalformedPayloadError(f"{compression}: {error}") from error
    return out
