"""PostgreSQL's binary COPY format, as far as a lap needs it.

A stream is a header, rows and a trailer. A row is a 16-bit count of its fields, then for every field a 32-bit length
and so many bytes in network byte order; a null has the length -1 and no bytes (PostgreSQL's documentation, COPY,
"Binary Format"). An array is the number of its dimensions, whether it has nulls, the type of its elements, its length
and lower bound, 32 bits each, then every element like a field (`array_send` in PostgreSQL's source). All elements that
a lap holds have a fixed size.
"""

from typing import Any, Final

import numpy as np

from racing_coach_core.channels import Kind

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The signature, no flags, no header extension."""

TRAILER: Final = b"\xff\xff"

NULL: Final = -1
"""The length of a null."""

UNIX_TO_POSTGRESQL_US: Final = 946_684_800_000_000
"""timestamptz counts from 2000 on, Arrow from 1970."""

WIRE_TYPES: Final[dict[Kind, str]] = {
    "float": ">f4",
    "double": ">f8",
    "int16": ">i2",
    "int32": ">i4",
    "int64": ">i8",
    "timestamp[us, tz=UTC]": ">i8",
    "bool": "u1",
}
"""numpy's name for a value of each canonical type as PostgreSQL sends and takes it."""

TYPE_OIDS: Final[dict[Kind, int]] = {
    "float": 700,
    "double": 701,
    "int16": 21,
    "int32": 23,
    "int64": 20,
    "timestamp[us, tz=UTC]": 1184,
    "bool": 16,
}
"""PostgreSQL's number for the type of each (pg_type.dat in its source; they never change)."""

ARRAY_HEAD: Final = np.dtype(
    [("dimensions", ">i4"), ("has_nulls", ">i4"), ("type", ">i4"), ("length", ">i4"), ("lower_bound", ">i4")]
)


def element(kind: Kind) -> np.dtype[Any]:
    """An element of an array, with its length."""
    return np.dtype([("length", ">i4"), ("value", WIRE_TYPES[kind])])


def width_of(kind: Kind) -> int:
    """Bytes of a value, as PostgreSQL sends and takes it."""
    return np.dtype(WIRE_TYPES[kind]).itemsize


def array_of(width: int, count: int) -> np.dtype[Any]:
    """A field that is an array of so many numbers, none of which is null; the numbers as bits."""
    value = np.dtype([("length", ">i4"), ("value", f">u{width}")])
    return np.dtype([("length", ">i4"), ("head", ARRAY_HEAD), ("elements", value, (count,))])


def length_of(name: str) -> str:
    """The name of the field before a value, in a row as an array's record."""
    return f"length of {name}"
