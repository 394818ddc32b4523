"""PostgreSQL's binary COPY format, as far as a lap needs it.

A stream is a header, rows and a trailer. A row is a 16-bit count of its fields, then for every field a 32-bit length
and so many bytes in network byte order; a null has the length -1 and no bytes (PostgreSQL's documentation, COPY,
"Binary Format"). An array is the number of its dimensions, whether it has nulls, the type of its elements, its length
and lower bound, 32 bits each, then every element like a field (`array_send` in PostgreSQL's source). All elements that
a lap holds have a fixed size.
"""

from typing import Any, Final, cast

import numpy as np
import pyarrow as pa

from racing_coach_core.arrow_types import Column

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The signature, no flags, no header extension."""

TRAILER: Final = b"\xff\xff"

NULL: Final = -1
"""The length of a null."""

UNIX_TO_POSTGRESQL_US: Final = 946_684_800_000_000
"""timestamptz counts from 2000 on, Arrow from 1970."""

WIRE_TYPES: Final = {
    pa.float32(): ">f4",
    pa.float64(): ">f8",
    pa.int16(): ">i2",
    pa.int32(): ">i4",
    pa.int64(): ">i8",
    pa.timestamp("us", tz="UTC"): ">i8",
    pa.bool_(): "u1",
}
"""numpy's name for a value of each canonical Arrow type as PostgreSQL sends and takes it."""

TYPE_OIDS: Final = {
    pa.float32(): 700,
    pa.float64(): 701,
    pa.int16(): 21,
    pa.int32(): 23,
    pa.int64(): 20,
    pa.timestamp("us", tz="UTC"): 1184,
    pa.bool_(): 16,
}
"""PostgreSQL's number for the type of each (pg_type.dat in its source; they never change)."""

ARRAY_HEAD: Final = np.dtype(
    [("dimensions", ">i4"), ("has_nulls", ">i4"), ("type", ">i4"), ("length", ">i4"), ("lower_bound", ">i4")]
)


def element(kind: pa.DataType) -> np.dtype[Any]:
    """An element of an array, with its length."""
    return np.dtype([("length", ">i4"), ("value", WIRE_TYPES[kind])])


def length_of(name: str) -> str:
    """The name of the field before a value, in a row as an array's record."""
    return f"length of {name}"


def column_of(values: np.ndarray, nulls: np.ndarray | None, kind: pa.DataType) -> Column:
    """PostgreSQL's numbers, and where there are none, as a canonical column."""
    if pa.types.is_timestamp(kind):
        moments = pa.array(values.astype(np.int64) + UNIX_TO_POSTGRESQL_US, pa.int64(), mask=nulls)
        return cast("Column", moments.view(kind))
    native = np.dtype(np.bool_) if pa.types.is_boolean(kind) else values.dtype.newbyteorder("=")
    return cast("Column", pa.array(values.astype(native), kind, mask=nulls))
