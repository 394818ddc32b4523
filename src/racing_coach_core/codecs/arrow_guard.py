"""What an Arrow record batch declares, and with it how much it will allocate, told before it is decoded.

Every compressed buffer of an IPC message begins with its decoded length, and Arrow allocates what that says. A
few bytes could ask for terabytes, so the lengths are read from the message first. Field numbers are those
of Arrow's `Message.fbs`; Arrow has verified the flatbuffer when it handed the message out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from flatbuffers import encode, number_types
from flatbuffers.packer import uoffset
from flatbuffers.table import Table

_FIELD_0: Final = 4
"""Offset of a table's first field in its vtable; every further field is 2 bytes on."""
_MESSAGE_HEADER: Final = _FIELD_0 + 2 * 2
_BATCH_LENGTH: Final = _FIELD_0
_BATCH_NODES: Final = _FIELD_0 + 2 * 1
_BATCH_BUFFERS: Final = _FIELD_0 + 2 * 2
_BATCH_COMPRESSION: Final = _FIELD_0 + 2 * 3
_CODEC: Final = _FIELD_0
_ZSTD: Final = 1
_LENGTH_PREFIX: Final = np.dtype("<i8")
_NOT_COMPRESSED: Final = -1


@dataclass(frozen=True, slots=True)
class DeclaredBuffers:
    """The buffers of a record batch, 64-bit integers but for the last.

    Attributes:
        starts: where the bytes of each begin in the message's body, after the length before what is compressed.
        lengths: of these bytes.
        decoded_lengths: what they become; the same where they are not compressed.
        are_compressed: whether they are.
    """

    starts: np.ndarray
    lengths: np.ndarray
    decoded_lengths: np.ndarray
    are_compressed: np.ndarray


@dataclass(frozen=True, slots=True)
class DeclaredBatch:
    """What a record batch declares.

    Attributes:
        rows: of the whole.
        column_rows, column_nulls: of each column, how many it has.
        buffers: of all columns.
        decoded_bytes: what the buffers become.
        is_zstd: whether it is zstd that compressed some of them.
    """

    rows: int
    column_rows: np.ndarray
    column_nulls: np.ndarray
    buffers: DeclaredBuffers
    decoded_bytes: int
    is_zstd: bool


def declared_batch(message: pa.ipc.Message) -> DeclaredBatch:
    """Read what a record batch message declares, without decoding it.

    Raises:
        ValueError: lengths that are negative or lie outside the message.
    """
    batch = _record_batch(memoryview(message.metadata))
    offset = batch.Offset(_BATCH_LENGTH)
    rows = batch.Get(number_types.Int64Flags, offset + batch.Pos) if offset else 0
    if rows < 0:
        raise ValueError("a negative number of rows")
    body = np.frombuffer(b"" if message.body is None else message.body, np.uint8)
    starts, lengths = _pairs(batch, _BATCH_BUFFERS)
    if (starts < 0).any() or (lengths < 0).any() or (starts > len(body)).any() or (lengths > len(body) - starts).any():
        raise ValueError("a buffer lies outside the record batch")
    compression = batch.Offset(_BATCH_COMPRESSION)
    if compression:
        buffers = _compressed(body, starts, lengths)
    else:
        buffers = DeclaredBuffers(starts, lengths, lengths, np.zeros(len(starts), np.bool_))
    return DeclaredBatch(
        rows,
        *_pairs(batch, _BATCH_NODES),
        buffers,
        decoded_bytes=sum(buffers.decoded_lengths.tolist()),
        is_zstd=bool(compression) and _codec(batch, compression) == _ZSTD,
    )


def _record_batch(metadata: memoryview) -> Table:
    buffer = bytes(metadata)
    message = Table(buffer, encode.Get(uoffset, buffer, 0))
    header = message.Offset(_MESSAGE_HEADER)
    if not header:
        raise ValueError("a message without a header")
    return Table(buffer, message.Indirect(header + message.Pos))


def _pairs(batch: Table, field: int) -> tuple[np.ndarray, np.ndarray]:
    """The elements of a vector of structs of two 64-bit integers: the first of each, and the second."""
    offset = batch.Offset(field)
    if not offset:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    count = batch.VectorLen(offset)
    pairs = np.frombuffer(batch.Bytes, "<i8", 2 * count, batch.Vector(offset)).reshape(count, 2)
    return pairs[:, 0], pairs[:, 1]


def _codec(batch: Table, compression: int) -> int:
    table = Table(batch.Bytes, batch.Indirect(compression + batch.Pos))
    offset = table.Offset(_CODEC)
    return int(table.Get(number_types.Int8Flags, offset + table.Pos)) if offset else 0


def _compressed(body: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> DeclaredBuffers:
    """Those of a batch in which every buffer that is not empty begins with its decoded length."""
    filled = lengths > 0
    if (lengths[filled] < _LENGTH_PREFIX.itemsize).any():
        raise ValueError("a compressed buffer without its length")
    prefix = np.zeros(len(lengths), np.int64)
    prefix[filled] = body[starts[filled, None] + np.arange(_LENGTH_PREFIX.itemsize)].view(_LENGTH_PREFIX)[:, 0]
    as_they_are = prefix == _NOT_COMPRESSED
    if (prefix[~as_they_are] < 0).any():
        raise ValueError("a negative buffer length")
    before = np.where(filled, _LENGTH_PREFIX.itemsize, 0)
    return DeclaredBuffers(
        starts + before, lengths - before, np.where(as_they_are, lengths - before, prefix), filled & ~as_they_are
    )
