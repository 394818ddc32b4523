"""Taking gzip or zstd off a payload without ever holding more than the limit."""

import zlib
from enum import StrEnum
from typing import Final

import zstandard

from racing_coach_core.exceptions import MalformedPayloadError, PayloadTooLargeError

_CHUNK: Final = 1 << 20
_MAX_ZSTD_WINDOW: Final = 32 * 2**20
"""The most a zstd frame may ask us to keep for back references; level 19 asks for 8 MiB."""

type Buffer = bytes | bytearray | memoryview


class Compression(StrEnum):
    """How a payload is wrapped."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


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

    Args:
        payload: the bytes on the wire.
        compression: what `detect` said.
        limit: most bytes that may come out; no more than this is ever allocated for them.

    Returns:
        The payload itself where it is not wrapped.

    Raises:
        PayloadTooLargeError: more than `limit` bytes would come out.
        MalformedPayloadError: broken or cut short.
    """
    match compression:
        case Compression.NONE:
            if len(payload) > limit:
                raise PayloadTooLargeError("the decoded payload in bytes", len(payload), limit)
            return payload
        case Compression.GZIP:
            return _gunzip(payload, limit)
        case Compression.ZSTD:
            return _unzstd(payload, limit)


def _too_large(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError("the decoded payload in bytes", None, limit)


def _gunzip(payload: Buffer, limit: int) -> bytearray:
    out = bytearray()
    rest: Buffer = payload
    while rest:  # a gzip file may have several members
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                if not rest:
                    raise MalformedPayloadError("gzip: the payload is cut short")
                out += member.decompress(rest, max_length=min(_CHUNK, limit - len(out) + 1))
                if len(out) > limit:
                    raise _too_large(limit)
                rest = member.unconsumed_tail
            rest = member.unused_data
        except zlib.error as error:
            raise MalformedPayloadError(f"gzip: {error}") from error
    return out


def _unzstd(payload: Buffer, limit: int) -> bytearray:
    try:
        declared = zstandard.frame_content_size(payload)
    except zstandard.ZstdError as error:
        raise MalformedPayloadError(f"zstd: {error}") from error
    if declared > limit:
        raise PayloadTooLargeError("the decoded payload in bytes", declared, limit)
    window = max(1 << 10, min(_MAX_ZSTD_WINDOW, limit))
    decompressor = zstandard.ZstdDecompressor(max_window_size=window)
    out = bytearray()
    try:
        with decompressor.stream_reader(payload, read_across_frames=True) as reader:
            while chunk := reader.read(_CHUNK):
                out += chunk
                if len(out) > limit:
                    raise _too_large(limit)
    except zstandard.ZstdError as error:
        raise MalformedPayloadError(f"zstd: {error}") from error
    if declared >= 0 and len(out) < declared:
        raise MalformedPayloadError("zstd: the payload is cut short")
    return out
