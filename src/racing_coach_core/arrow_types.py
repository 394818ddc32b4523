"""Names for Arrow's types, and one place for what its type stubs cannot say."""

from typing import Any, cast

import pyarrow as pa

type Column = pa.Array[Any]
"""One channel of a lap, one value a frame."""


def null_column(rows: int, kind: pa.DataType) -> Column:
    """A column without any value."""
    # The stubs have an overload for each concrete type and none for a type that is only known at run time.
    return cast("Column", pa.nulls(rows, kind))  # type: ignore[call-overload]
