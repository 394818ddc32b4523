"""What an Arrow record batch declares, and with it how much it will allocate, told before it is decoded.

Every compressed buffer of an IPC message begins with its decoded length, and Arrow allocates what that says. A
few bytes could ask for terabytes, so the lengths are read from the message first. Field numbers are those
of Arrow's `Message.fbs`; Arrow has verified the flatbuffer when it handed the message out.
"""

import operator
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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
_LENGTH_PREFIX: Final = struct.Struct("<q")
_NOT_COMPRESSED: Final = -1


@dataclass(frozen=True, slots=True)
class DeclaredBuffers:
    """The buffers of a record batch.

    Attributes:
        starts: where the bytes of each begin in the message's body, after the length before what is compressed.
        lengths: of these bytes.
        decoded_lengths: what they become; the same where they are not compressed.
        are_compressed: whether they are.
    """

    starts: Sequence[int]
    lengths: Sequence[int]
    decoded_lengths: Sequence[int]
    are_compressed: Sequence[bool]


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
    column_rows: Sequence[int]
    column_nulls: Sequence[int]
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
    body = memoryview(b"" if message.body is None else message.body)
    starts, lengths = _pairs(batch, _BATCH_BUFFERS)
    if starts and (min(starts) < 0 or min(lengths) < 0 or max(map(operator.add, starts, lengths)) > len(body)):
        raise ValueError("a buffer lies outside the record batch")
    compression = batch.Offset(_BATCH_COMPRESSION)
    if compression:
        buffers = _compressed(body, starts, lengths)
    else:
        buffers = DeclaredBuffers(starts, lengths, lengths, [False] * len(starts))
    return DeclaredBatch(
        rows,
        *_pairs(batch, _BATCH_NODES),
        buffers,
        decoded_bytes=sum(buffers.decoded_lengths),
        is_zstd=bool(compression) and _codec(batch, compression) == _ZSTD,
    )


def _record_batch(metadata: memoryview) -> Table:
    buffer = bytes(metadata)
    message = Table(buffer, encode.Get(uoffset, buffer, 0))
    header = message.Offset(_MESSAGE_HEADER)
    if not header:
        raise ValueError("a message without a header")
    return Table(buffer, message.Indirect(header + message.Pos))


def _pairs(batch: Table, field: int) -> tuple[Sequence[int], Sequence[int]]:
    """The elements of a vector of structs of two 64-bit integers: the first of each, and the second."""
    offset = batch.Offset(field)
    if not offset:
        return (), ()
    numbers = struct.unpack_from(f"<{2 * batch.VectorLen(offset)}q", batch.Bytes, batch.Vector(offset))
    return numbers[::2], numbers[1::2]


def _codec(batch: Table, compression: int) -> int:
    table = Table(batch.Bytes, batch.Indirect(compression + batch.Pos))
    offset = table.Offset(_CODEC)
    return int(table.Get(number_types.Int8Flags, offset + table.Pos)) if offset else 0


def _compressed(body: memoryview, starts: Sequence[int], lengths: Sequence[int]) -> DeclaredBuffers:
    """Those of a batch in which every buffer that is not empty begins with its decoded length."""
    own_starts, own_lengths = list(starts), list(lengths)
    decoded, are_compressed = [0] * len(starts), [False] * len(starts)
    for place, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        if not length:
            continue
        if length < _LENGTH_PREFIX.size:
            raise ValueError("a compressed buffer without its length")
        (declared,) = _LENGTH_PREFIX.unpack_from(body, start)
        own_starts[place], own_lengths[place] = start + _LENGTH_PREFIX.size, length - _LENGTH_PREFIX.size
        if declared == _NOT_COMPRESSED:
            decoded[place] = own_lengths[place]
        elif declared < 0:
            raise ValueError("a negative buffer length")
        else:
            decoded[place], are_compressed[place] = declared, True
    return DeclaredBuffers(own_starts, own_lengths, decoded, are_compressed)
