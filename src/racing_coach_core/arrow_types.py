"""Columns of a lap: a name for Arrow's type, one without values, and one as numbers."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa

type Column = pa.Array[Any]
"""One channel of a lap, one value a frame."""


def null_column(rows: int, kind: pa.DataType) -> Column:
    """A column without any value."""
    # The stubs have an overload for each concrete type and none for a type that is only known at run time.
    return cast("Column", pa.nulls(rows, kind))  # type: ignore[call-overload]


def plain_numbers(column: Column) -> np.ndarray:
    """A column as numbers: nulls as zero or false, timestamps as microseconds since 1970."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    return column.to_numpy(zero_copy_only=False)


def side_by_side(columns: Sequence[Column]) -> np.ndarray:
    """Columns of one type, all without nulls, as one array `(columns, frames)` that is a copy."""
    if not columns:
        return np.empty((0, 0))
    return np.concatenate([column.to_numpy() for column in columns]).reshape(len(columns), -1)
