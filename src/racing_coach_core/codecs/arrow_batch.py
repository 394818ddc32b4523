"""A record batch out of its message, all of whose buffers are decompressed in one call.

pyarrow makes a context of zstd's for every buffer. Making one asks the processor what it can do, and a virtual machine
has to ask its host for that: of a lap's 64 buffers that takes nearly as long as decompressing them.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import Final, cast

import pyarrow as pa
import zstandard

from racing_coach_core.arrow_types import Column, neighbours
from racing_coach_core.channels import CHANNELS
from racing_coach_core.codecs.arrow_form import Form
from racing_coach_core.codecs.arrow_guard import DeclaredBatch, DeclaredBuffers

_NUMBERS: Final = frozenset(channel.type for channel in CHANNELS if channel.kind != "bool")
"""Of whole bytes."""


def read_batch(form: Form, message: pa.ipc.Message, declared: DeclaredBatch) -> list[Column] | None:
    """Decode a record batch that is compressed with zstd.

    Args:
        form: of its columns.
        message: the record batch.
        declared: what it declares, whose lengths have been looked at.

    Returns:
        its columns, not yet validated; None where it is of another kind or broken, which pyarrow is to say.
    """
    if not declared.is_zstd or message.body is None or len(declared.buffers.starts) != form.buffers:
        return None
    if not all(itertools.compress(declared.buffers.decoded_lengths, declared.buffers.are_compressed)):
        # Of what declares no length, as much would be decompressed as there is.
        return None
    if len(declared.column_rows) != len(form.kinds) or any(rows != declared.rows for rows in declared.column_rows):
        return None
    try:
        buffers = iter(_decoded(message.body, declared.buffers))
    except zstandard.ZstdError:
        return None
    nulls = iter(declared.column_nulls)
    columns: list[Column] = []
    for kind, count in form.runs:
        columns += _columns(kind, declared.rows, list(itertools.islice(nulls, count)), buffers)
    return columns


def _columns(kind: pa.DataType, rows: int, nulls: list[int], buffers: Iterator[pa.Buffer | None]) -> list[Column]:
    """Neighbouring columns of one type, with the next of these buffers.

    Where none has a null and their numbers lie side by side, they are slices of one: to make a column gives Python's
    lock away, to slice it does not.
    """
    if pa.types.is_null(kind):
        return [cast("Column", pa.nulls(rows)) for _ in nulls]
    both = [(next(buffers), next(buffers)) for _ in nulls]
    size = rows * kind.bit_width // 8 if kind in _NUMBERS else 0
    # One that is too short is an error, and not to be filled up with its neighbour's.
    values = [numbers for _, numbers in both if numbers is not None and numbers.size >= size]
    if not size or any(nulls) or len(values) < len(both):
        return [_column(kind, rows, count, *pair) for count, pair in zip(nulls, both, strict=True)]
    columns: list[Column] = []
    for first, end in neighbours([numbers.address for numbers in values], size):
        memory = pa.foreign_buffer(values[first].address, (end - first) * size, base=values)
        whole = pa.Array.from_buffers(kind, (end - first) * rows, [None, memory], 0)
        columns += [whole.slice(start, rows) for start in range(0, len(whole), rows)]
    return columns


def _column(kind: pa.DataType, rows: int, nulls: int, validity: pa.Buffer | None, values: pa.Buffer | None) -> Column:
    # As pyarrow reads it: where nothing is said to be null, nobody looks at which rows have a value.
    return cast("Column", pa.Array.from_buffers(kind, rows, [validity if nulls else None, values], nulls))


def _decoded(body: pa.Buffer, declared: DeclaredBuffers) -> list[pa.Buffer | None]:
    """The buffers as they were before they were compressed, None for one of no length.

    Raises:
        zstandard.ZstdError: broken, or of another length than declared.
    """
    starts, lengths, sizes = declared.starts, declared.lengths, declared.decoded_lengths
    buffers: list[pa.Buffer | None] = [None] * len(starts)
    compressed = []
    for number, (is_compressed, length) in enumerate(zip(declared.are_compressed, lengths, strict=True)):
        if is_compressed:
            compressed.append(number)
        elif length:
            buffers[number] = body.slice(starts[number], length)
    if not compressed:
        return buffers
    # All go into one piece of memory, each to a multiple of the largest power of two that its length is a multiple of,
    # and so of the width of its numbers.
    compressed.sort(key=lambda number: sizes[number] & -sizes[number], reverse=True)
    where = [part for number in compressed for part in (starts[number], lengths[number])]
    decoded = zstandard.ZstdDecompressor().multi_decompress_to_buffer(
        zstandard.BufferWithSegments(memoryview(body), struct.pack(f"={len(where)}Q", *where)),
        decompressed_sizes=struct.pack(f"={len(compressed)}Q", *[sizes[number] for number in compressed]),
    )
    for place, number in enumerate(compressed):
        buffers[number] = pa.py_buffer(decoded[place])  # type: ignore[arg-type]  # its stubs do not say that it is one
    return buffers
