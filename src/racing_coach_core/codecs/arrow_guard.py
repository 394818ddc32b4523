"""How much an Arrow record batch will allocate, told before it is decoded.

Every compressed buffer of an IPC message begins with its decoded length, and Arrow allocates what that says. A
few bytes could ask for terabytes, so the lengths are read from the message first. Field numbers are those
of Arrow's `Message.fbs`; Arrow has verified the flatbuffer when it handed the message out.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from flatbuffers import encode, number_types
from flatbuffers.packer import uoffset
from flatbuffers.table import Table

_FIELD_0: Final = 4
"""Offset of a table's first field in its vtable; every further field is 2 bytes on."""
_MESSAGE_HEADER: Final = _FIELD_0 + 2 * 2
_BATCH_LENGTH: Final = _FIELD_0
_BATCH_BUFFERS: Final = _FIELD_0 + 2 * 2
_BATCH_COMPRESSION: Final = _FIELD_0 + 2 * 3
_BUFFER_STRUCT: Final = struct.Struct("<qq")
_LENGTH_PREFIX: Final = struct.Struct("<q")
_NOT_COMPRESSED: Final = -1


@dataclass(frozen=True, slots=True)
class BatchSize:
    """What a record batch declares: rows, and bytes once its buffers are decompressed."""

    rows: int
    decoded_bytes: int


def batch_size(message: pa.ipc.Message) -> BatchSize:
    """Read what a record batch message declares, without decoding it.

    Raises:
        ValueError: lengths that are negative or lie outside the message.
    """
    batch = _record_batch(memoryview(message.metadata))
    offset = batch.Offset(_BATCH_LENGTH)
    rows = batch.Get(number_types.Int64Flags, offset + batch.Pos) if offset else 0
    compressed = bool(batch.Offset(_BATCH_COMPRESSION))
    body = memoryview(message.body) if message.body is not None else memoryview(b"")
    total = 0
    for start, length in _buffers(batch):
        if start < 0 or length < 0 or start + length > len(body):
            raise ValueError("a buffer lies outside the record batch")
        total += _decoded_length(body, start, length) if compressed else length
    if rows < 0:
        raise ValueError("a negative number of rows")
    return BatchSize(rows, total)


def _record_batch(metadata: memoryview) -> Table:
    buffer = bytes(metadata)
    message = Table(buffer, encode.Get(uoffset, buffer, 0))
    header = message.Offset(_MESSAGE_HEADER)
    if not header:
        raise ValueError("a message without a header")
    return Table(buffer, message.Indirect(header + message.Pos))


def _buffers(batch: Table) -> Iterator[tuple[int, int]]:
    offset = batch.Offset(_BATCH_BUFFERS)
    if not offset:
        return
    start = batch.Vector(offset)
    data: Any = batch.Bytes
    for index in range(batch.VectorLen(offset)):
        yield _BUFFER_STRUCT.unpack_from(data, start + index * _BUFFER_STRUCT.size)


def _decoded_length(body: memoryview, start: int, length: int) -> int:
    if length == 0:
        return 0
    if length < _LENGTH_PREFIX.size:
        raise ValueError("a compressed buffer without its length")
    (decoded,) = _LENGTH_PREFIX.unpack_from(body, start)
    if decoded == _NOT_COMPRESSED:
        return length
    if decoded < 0:
        raise ValueError("a negative buffer length")
    return int(decoded)
