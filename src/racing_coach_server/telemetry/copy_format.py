"""PostgreSQL's binary COPY format, as far as a lap needs it.

A stream is a header, rows and a trailer. A row is a 16-bit count of its fields, then for every field a 32-bit length
and so many bytes in network byte order; a null has the length -1 and no bytes (PostgreSQL's documentation, COPY,
"Binary Format"). All that a lap holds has a fixed size.
"""

from typing import Final

import pyarrow as pa

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


def length_of(name: str) -> str:
    """The name of the field before a value, in a row as an array's record."""
    return f"length of {name}"
